#!/bin/sh
# Brings a newer release of the template into the project. It needs Git, Python and cruft; no data, no cache, no remote.
#
#     sh .ci/update.sh update [REF]   the newest release, or another tag or branch, into the working tree; names what conflicts
#     sh .ci/update.sh machinery      src/datapass/ alone, as the release in .cruft.json has it: after `cruft update` by hand
#     sh .ci/update.sh propose        what the scheduled job does then: commit it into template-update.bundle, with a text
#                                     that says what it does to the frozen model, template-update.md
#     sh .ci/update.sh publish        push the branch of the bundle; open a pull request of the text, or update the open one
#
# src/datapass/ is replaced as a whole; all else is merged by `cruft update`, but for what pyproject.toml skips: what is yours.
set -eu
. "$(dirname "$0")/host.sh"

branch=template-update
robot=template-update@localhost # by whom a commit is that no person made, and that the next one may replace

say() { printf '%s\n' "$1" | tee -a "$summary"; }

# A line of other people's words is no command to GitHub with a sign before it.
quoted() { tr '\r' '\n' | sed 's/^/| /'; }

field() { # NAME: of .cruft.json; nothing where it has none, or null
  python -c 'import json, sys; print(json.load(open(".cruft.json", encoding="utf-8")).get(sys.argv[1]) or "")' "$1"
}

# A branch that the project follows stays followed; else it is the newest release (v1.2-rc1 is none), and where nothing was
# released, the template's default branch.
newest() { # TEMPLATE
  follows=$(field checkout)
  case $follows in
    "" | v[0-9]*) git ls-remote --tags --refs --sort=-version:refname -- "$1" 'v[0-9]*' | sed -n 's,^[0-9a-f]*.refs/tags/\(v[0-9][0-9.]*\)$,\1,p' | head -n 1 ;;
    *) printf '%s' "$follows" ;;
  esac
}

update() { # [REF]
  if [ ! -f .cruft.json ]; then
    say "There is no .cruft.json, so nobody knows which release of the template this project is of: \`cruft link\` writes it, see docs/update.md."
    return 0
  fi
  command -v cruft > /dev/null || fail "cruft, which brings an update in, is not installed: pip install -c constraints.txt cruft"
  template=$(field template)
  release=${1:-$(newest "$template")} && git ls-remote --quiet --exit-code -- "$template" HEAD > update.log 2>&1 || {
    quoted < update.log
    fail "The template $template, as .cruft.json has it, cannot be read from here; git says why in the log."
  }
  if cruft check --not-strict ${release:+--checkout "$release"} > update.log 2>&1; then
    say "The project is of the template's newest release${release:+, $release}."
    return 0
  fi
  [ -z "$(git status --porcelain)" ] || fail "There are changes that are not committed; commit them before an update."
  before=$(field commit) head=$(git rev-parse HEAD)
  fetch "$template"
  trap 'git update-ref HEAD "$head"; rm -rf "$folder"' EXIT
  # With the machinery as it was released below it, an edit there cannot keep cruft from merging the rest.
  machinery "$before"
  git diff --cached --name-only --relative -- src/datapass > update.edited
  if [ -s update.edited ]; then commit "The machinery as released"; fi
  cruft update --skip-apply-ask --not-strict ${release:+--checkout "$release"} > update.log 2>&1 || :
  git update-ref HEAD "$head"
  if [ "$(field commit)" = "$before" ]; then
    quoted < update.log
    git reset --quiet --hard
    fail "\`cruft update\` changed nothing; what it said is in the log."
  fi
  machinery "$(field commit)"
  conflicts > update.conflicts
  if [ -s update.conflicts ]; then
    say "These conflict with the update; resolve them before anything else:"
    quoted < update.conflicts
  fi
  if [ -s update.edited ]; then
    say "These were edited here and are now as released; \`git diff HEAD\` has the edits:"
    quoted < update.edited
  fi
  echo "newer=true" >> "${GITHUB_OUTPUT:-/dev/null}"
  [ -n "${CI:-}" ] || echo "Updated${release:+ to $release}. Next: pip install -c constraints.txt -e . && datapass frozen"
}

fetch() { # TEMPLATE, into $folder
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  git clone --quiet --no-checkout -- "$1" "$folder"
}

# The machinery is the same bytes in every project, so it is copied and not merged: no file of two releases is left.
machinery() { # COMMIT, of the template in $folder
  git -C "$folder" checkout --quiet --force "$1" || fail "The template has no commit $1, as .cruft.json has it."
  inside=$(field directory)
  rm -rf src/datapass
  cp -R "$folder${inside:+/$inside}"/*/src/datapass src/datapass
  git add --all src/datapass
}

commit() { # MESSAGE: what is staged, as the robot, whatever hooks and settings there are
  git -c user.name="Template update" -c user.email="$robot" -c commit.gpgsign=false commit --quiet --no-verify -m "$1"
}

# Files that cruft could not merge: marked by Git, or with the rejected part beside them.
conflicts() {
  git diff --name-only --relative --diff-filter=U
  git ls-files --others '*.rej'
}

propose() {
  [ -f update.conflicts ] || return 0 # nothing newer
  release=$(field checkout)
  : "${release:=$(field commit | cut -c 1-7)}"
  title="Update the template to $release"
  {
    echo "A newer release of the template, $release. What does it do to the frozen model?"
    echo
    # Then params.yaml, which a stage writes; in CI it would refuse to.
    if python -m datapass frozen HEAD --to update.frozen.md 2> update.log > /dev/null &&
      env -u CI python -m datapass.stages.freeze 2> update.log; then
      cat update.frozen.md
    else
      echo "### It cannot be told before this is mended"
      echo
      sed 's/^/    /' update.log
    fi
    listed "These files conflict with it. Each has Git's markers, or its rejected part in a file \`.rej\` beside it; resolve them on this branch:" update.conflicts
    listed "These files were edited here, and are as released now. Such edits belong upstream:" update.edited
    echo
    echo "Your passes, your package and what else \`[tool.cruft]\` in \`pyproject.toml\` skips are as they were. The template's \`CHANGELOG.md\` says what is new."
  } > template-update.md
  [ ! -s update.conflicts ] || title="$title (conflicts to resolve)"
  cat template-update.md >> "$summary"
  quoted < template-update.md
  base=$(git rev-parse HEAD)
  git add --all # also what conflicts: its markers are to be seen on the branch
  git checkout --quiet -B "$branch"
  commit "$title"
  git bundle create --quiet template-update.bundle "$base..$branch"
}

listed() { # SENTENCE FILE: the lines of the file as a list, in which a name is no markup
  [ -s "$2" ] || return 0
  printf '\n%s\n\n' "$1"
  sed 's/^/    /' "$2"
}

# For each host: the number of the open pull request of the branch, and writing one, or a new one.
github_find() {
  gh api "repos/$GITHUB_REPOSITORY/pulls?state=open&head=${GITHUB_REPOSITORY%%/*}:$branch" --jq '.[].number'
}

github_write() { # [NUMBER]
  if [ -n "$1" ]; then
    gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/pulls/$1" --field title=@update.title.txt --field body=@template-update.md
  else
    gh api --silent --method POST "repos/$GITHUB_REPOSITORY/pulls" --field title=@update.title.txt --field body=@template-update.md \
      --raw-field head="$branch" --raw-field base="$GITHUB_REF_NAME"
  fi
}

gitlab_find() {
  gitlab GET "$CI_PROJECT_ID/merge_requests?state=opened&source_branch=$branch" |
    python -c 'import json, sys; print(*[one["iid"] for one in json.load(sys.stdin)], sep="\n")'
}

gitlab_write() { # [NUMBER]
  if [ -n "$1" ]; then method=PUT; else method=POST; fi
  gitlab "$method" "$CI_PROJECT_ID/merge_requests${1:+/$1}" --output /dev/null \
    --data-urlencode title@update.title.txt --data-urlencode description@template-update.md \
    --data "source_branch=$branch&target_branch=$CI_DEFAULT_BRANCH&remove_source_branch=true"
}

publish() {
  # The job before ran code that nobody has read: a link of it would put another file of this job into the text.
  if [ -L template-update.bundle ] || [ -L template-update.md ]; then fail "The job before handed on a link and no file, so nothing is published."; fi
  [ -f template-update.bundle ] || return 0 # nothing newer
  if [ "$host" = gitlab ]; then
    export DATA_EXPERIMENT_TOKEN="${TEMPLATE_UPDATE_TOKEN:-}" # as host.sh calls what it writes with
    if [ -z "$DATA_EXPERIMENT_TOKEN" ]; then
      say "TEMPLATE_UPDATE_TOKEN is not set, so the update is in the artifacts of the job before alone; .gitlab-ci.yml says what it is."
      return 0
    fi
    remote="$CI_SERVER_URL/$CI_PROJECT_PATH.git" TOKEN=$DATA_EXPERIMENT_TOKEN
  else
    remote=origin TOKEN=$GH_TOKEN
  fi
  git bundle verify --quiet template-update.bundle
  git fetch --quiet template-update.bundle "$branch"
  ours=$(git rev-parse FETCH_HEAD)
  printf '%s' "$(git log -1 --format=%s "$ours")" > update.title.txt
  there=$(remotely ls-remote --heads "$remote" "refs/heads/$branch" | cut -f 1)
  again=
  if [ -n "$there" ]; then
    remotely fetch --quiet --depth=1 "$remote" "$there"
    if [ "$(git log -1 --format=%ce "$there")" != "$robot" ]; then
      say "The branch $branch has commits of people, so it stays as it is. Merge it, or delete it to have it made anew."
      return 0
    fi
    [ "$(git rev-parse "$there:./.cruft.json")" != "$(git rev-parse "$ours:./.cruft.json")" ] || again=yes
  fi
  number=$("${host}_find") || refused "the open pull requests could not be listed"
  number=$(printf '%s\n' "$number" | head -n 1)
  if [ -n "$again" ] && [ -z "$number" ]; then
    say "This update was proposed before, and closed. Delete the branch $branch to have it proposed again."
    return 0
  fi
  remotely push --quiet --force-with-lease="refs/heads/$branch:$there" "$remote" "$ours:refs/heads/$branch" || refused "the branch $branch could not be pushed"
  "${host}_write" "$number" || refused "the branch $branch is there, but its pull request could not be written"
}

refused() { # WHAT
  if [ "$host" = gitlab ]; then
    fail "Of the template's update $1. TEMPLATE_UPDATE_TOKEN needs the scopes \`api\` and \`write_repository\`, and the role Developer."
  elif [ -n "${OWN_TOKEN:-}" ]; then
    fail "Of the template's update $1. The secret TEMPLATE_UPDATE_TOKEN needs the permissions Contents, Pull requests and Workflows, each to write."
  else
    fail "Of the template's update $1. Set the secret TEMPLATE_UPDATE_TOKEN, as .github/workflows/update.yml says: the job's own token may change no workflow, and opens pull requests only where Settings > Actions > General allows it."
  fi
}

# `exit` on the same line, since an update changes this file while it runs.
case "${1:-}" in
  update) shift; update "$@"; exit ;;
  machinery) fetch "$(field template)"; machinery "$(field commit)"; exit ;;
  propose) propose; exit ;;
  publish) publish; exit ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
