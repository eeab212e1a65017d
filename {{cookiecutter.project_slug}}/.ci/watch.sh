#!/bin/sh
# What the scheduled job does, whatever the CI: fetch what is new in production, and say whether it looks different.
# It sends nothing anywhere but one issue to the host of the repository, and commits nothing.
#
#     sh .ci/watch.sh fetch    run .ci/fetch-delivery.sh into delivery/; where nothing came there is no such folder after it
#     sh .ci/watch.sh watch    write watch.md, watch.html and watch.json of what is in delivery/
#     sh .ci/watch.sh issue    open an issue of watch.md, or update the open one, where something changed
set -eu
. "$(dirname "$0")/host.sh"

# Finds our issue again, so that it is updated and not repeated. The name keeps two projects in one repository apart.
tag='<!-- data-watch:v1:{{ cookiecutter.project_slug }} -->'

fetch() {
  if [ -e delivery ]; then fail "delivery/ is there already, perhaps of an earlier run; move it away."; fi
  mkdir delivery
  sh .ci/fetch-delivery.sh delivery || fail "\`.ci/fetch-delivery.sh\` failed, so nothing was watched; what it said is in the log."
  if came; then
    echo "came=true" >> "${GITHUB_OUTPUT:-/dev/null}"
  else
    rm -r delivery
    echo "Nothing came, so there is nothing to watch." | tee -a "$summary"
  fi
}

# The one table that was delivered, where it is that.
table() {
  set -- delivery/*
  if [ -f "$1" ]; then case "$# $1" in "1 "*.csv | "1 "*.parquet) printf '%s' "$1" ;; esac; fi
}

# Hidden and empty files are nothing, and so is a CSV of its header alone, as a query without rows leaves it.
came() {
  [ -n "$(find delivery -name '.?*' -prune -o -type f -size +0c -print)" ] || return 1
  case "$(table)" in *.csv) awk 'NR > 1 && NF { rows = 1; exit } END { exit !rows }' "$(table)" ;; esac
}

watch() {
  [ -d delivery ] || return 0 # nothing came
  path=$(table)
  failed=0
  python -m datapass watch "${path:-delivery}" --to watch.md --to watch.html --to watch.json > watch.log 2>&1 || failed=$?
  # With a sign before it no line is a command to GitHub, whatever a file or a class is called.
  tr '\r' '\n' < watch.log | sed 's/^/| /'
  if [ "$failed" -ne 0 ]; then
    sed 's/^/    /' watch.log >> "$summary" # four spaces: Markdown shows it as it is
    fail "The delivery could not be watched; the log says why."
  fi
  cat watch.md >> "$summary"
  title=$(headline)
  [ -n "$title" ] || printf '\nNothing changed, so there is no issue.\n' | tee -a "$summary"
}

# What the issue is called, in at most 100 characters, or nothing where nothing changed. The headline may quote what others
# named. In a title an entity is no help, and GitLab looks there for @mentions and links: signs that do more than stand
# there become blanks.
headline() {
  python -c 'import json, re
found = json.load(open("watch.json", encoding="utf-8"))
if found.get("data", found)["changed"]:
    said = "Production looks different: " + found["headline"].replace("looks different: ", "", 1)
    shown = "".join(sign if sign.isprintable() else " " for sign in said)
    words = " ".join(re.sub(r"[!\"#$&*/<>?@\[\\\]^_`{|}~]|[:%](?=\w)", " ", shown).split())
    print(words if len(words) <= 100 else words[:99].rstrip() + "…")'
}

# For each host: the numbers of the open issues that begin with the tag, and writing one, or a new one.
github_find() {
  gh api --paginate "repos/$GITHUB_REPOSITORY/issues?state=open&per_page=100" \
    --jq ".[] | select(.pull_request == null and .user.login == \"github-actions[bot]\" and (.body // \"\" | startswith(\"$tag\"))) | .number"
}

github_write() { # [NUMBER]
  if [ -n "$1" ]; then method=PATCH; else method=POST; fi
  gh api --silent --method "$method" "repos/$GITHUB_REPOSITORY/issues${1:+/$1}" \
    --field title=@watch.title.txt --field body=@watch.issue.md
}

gitlab_find() { gitlab_tagged "$CI_PROJECT_ID/issues?state=opened&scope=created_by_me" description iid; }

gitlab_write() { # [NUMBER]
  if [ -n "$1" ]; then method=PUT; else method=POST; fi
  gitlab "$method" "$CI_PROJECT_ID/issues${1:+/$1}" --output /dev/null \
    --data-urlencode title@watch.title.txt --data-urlencode description@watch.issue.md
}

issue() {
  [ -f watch.json ] || return 0 # nothing came
  title=$(headline)
  [ -n "$title" ] || return 0 # an open issue stays as it is, since it is about another delivery
  may_write "the report is in this log and in watch.html." || return 0
  if [ "$host" = gitlab ]; then
    run=$CI_JOB_URL report="$CI_JOB_URL/artifacts/file/watch.html"
  else
    run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID" report=$REPORT_URL
  fi
  printf '%s' "$title" > watch.title.txt
  printf '%s\n' "$tag" | cat - watch.md > watch.issue.md
  printf '\nOf [the run](%s) of %s; [the full report](%s).\n' "$run" "$(date -u +%F)" "$report" >> watch.issue.md
  # A token that may only read, or a host that does not answer, costs the issue and not the job.
  numbers=$("${host}_find") || { annotate warning "The issue could not be looked up; the report is in the job's log."; return 0; }
  "${host}_write" "$(printf '%s\n' "$numbers" | head -n 1)" || annotate warning "The issue could not be written; the report is in the job's log."
}

case "${1:-}" in
  fetch) fetch ;;
  watch) watch ;;
  issue) issue ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
