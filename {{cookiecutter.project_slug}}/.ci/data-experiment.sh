#!/bin/sh
# What the check of a pull request does, whatever the CI. It needs Git and a few packages; no data, no cache, no remote.
#
#     sh .ci/data-experiment.sh lock                 fail where dvc.lock is stale
#     sh .ci/data-experiment.sh stages               print the stages that are stale
#     sh .ci/data-experiment.sh merge BRANCH COMMIT  check out the commit merged into the branch as it is on the remote now
#     sh .ci/data-experiment.sh compare BASE HEAD    write report.md, report.html and report.json
#     sh .ci/data-experiment.sh comment              put report.md on the pull request, where the data changed
set -eu
. "$(dirname "$0")/host.sh"

# Finds our comment again, so that it is updated and not repeated. The name keeps two projects in one repository apart.
tag='<!-- data-experiment:v1:{{ cookiecutter.project_slug }} -->'

stages() { # the stages that `dvc repro` would run, one a line; fails where DVC cannot say
  failed=0
  plan=$(dvc repro --dry --allow-missing 2>&1) || failed=$?
  printf '%s\n' "$plan" >&2
  # The exit code cannot tell: a stage that would run gives 0, and 255 where it also reads data that is not here.
  found=$(printf '%s\n' "$plan" |
    sed -n "s/^Running stage '\([^']*\)'.*/\1/p; s/^ERROR: failed to reproduce '\([^']*\)'.*/\1/p")
  if [ -n "$found" ]; then printf '%s\n' "$found"; else return "$failed"; fi
}

lock() {
  stages=$(stages) ||
    fail "\`dvc repro --dry --allow-missing\` failed, so nobody knows whether dvc.lock is current; what it said is in the log."
  [ -z "$stages" ] ||
    fail "dvc.lock is stale: the results are not of this data, code and configuration (would run: $(printf '%s' "$stages" | paste -s -d , - | sed 's/,/, /g')). Merge the target branch into this one, run \`dvc repro\` and commit what it writes{% if cookiecutter.ci == "github" %}, or let a runner do that: give the pull request the label \`train\`{% elif cookiecutter.ci == "gitlab" %}, or let a runner do that: start the job \`train\`{% endif %}."
}

merge() { # BRANCH COMMIT
  git checkout --quiet --detach "refs/remotes/origin/$1"
  git -c user.name=CI -c user.email=ci@localhost merge --quiet --no-ff --no-edit "$2" ||
    fail "\`$1\` has changed since and no longer merges with these results: merge it into this branch, take either side of the generated files, push, and train again."
}

compare() { # BASE HEAD
  if ! git cat-file -e "$1:./metrics.json" 2> /dev/null; then
    echo "$1 has no results yet, so there is nothing to compare with." | tee -a "$summary"
    return 0
  fi
  failed=0
  python -m datapass compare "$1" "$2" --to report.md --to report.html --to report.json 2> errors.txt || failed=$?
  cat errors.txt >&2
  if [ "$failed" -ne 0 ]; then
    sed 's/^/    /' errors.txt >> "$summary" # four spaces: Markdown shows it as it is
    fail "The two data revisions could not be compared; the log says why."
  fi
  cat report.md >> "$summary"
  if ! data_changed; then
    printf '\nNo example changed, so there is no comment on the pull request.\n' | tee -a "$summary"
  fi
}

data_changed() {
  python -c 'import json, sys; sys.exit(not json.load(open("report.json", encoding="utf-8"))["data"]["rows"])'
}

# For each host: the numbers of the comments that begin with the tag, and writing comment.md to one, or to a new one.
github_find() {
  gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments?per_page=100" \
    --jq ".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$tag\"))) | .id"
}

github_write() { # [NUMBER]
  if [ -n "$1" ]; then
    gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$1" --field body=@comment.md
  else
    gh api --silent --method POST "repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments" --field body=@comment.md
  fi
}

notes="${CI_MERGE_REQUEST_PROJECT_ID:-}/merge_requests/${CI_MERGE_REQUEST_IID:-}/notes"

gitlab_find() { gitlab_tagged "$notes" body id; }

gitlab_write() { # [NUMBER]
  if [ -n "$1" ]; then method=PUT; else method=POST; fi
  gitlab "$method" "$notes${1:+/$1}" --output /dev/null --data-urlencode body@comment.md
}

comment() {
  [ -f report.json ] || return 0 # nothing to compare with
  may_write "the verdict is in this log and in report.html." || return 0
  if [ "$host" = gitlab ]; then
    commit=$CI_COMMIT_SHA report="$CI_JOB_URL/artifacts/file/report.html"
  else
    commit=$COMMIT report=$REPORT_URL
  fi
  # A token that may only read, or a host that does not answer, costs the comment and not the check.
  ids=$("${host}_find") || { annotate warning "The comment could not be looked up; the verdict is in the job's log."; return 0; }
  id=$(printf '%s\n' "$ids" | head -n 1)
  if [ -z "$id" ] && ! data_changed; then return 0; fi # a comment of an earlier push is brought up to date all the same
  printf '%s\n' "$tag" | cat - report.md > comment.md
  printf '\nOf commit %s; [the full report](%s).\n' "$commit" "$report" >> comment.md
  "${host}_write" "$id" || annotate warning "The comment could not be written; the verdict is in the job's log."
}

case "${1:-}" in
  lock) lock ;;
  stages) stages ;;
  merge) merge "$2" "$3" ;;
  compare) compare "$2" "$3" ;;
  comment) comment ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
