# What the scripts beside it say to the host of the repository, GitHub or GitLab, and ask it. Sourced, not run.

if [ -n "${GITLAB_CI:-}" ]; then host=gitlab; else host=github; fi

# GitHub reads lines such as `::error::text` and shows them on the page of the job.
annotate() { # LEVEL TEXT
  if [ -n "${GITHUB_ACTIONS:-}" ]; then echo "::$1::$2"; else echo "$2" >&2; fi
}

# The job's summary page, where there is one. Reports stay under 60,000 characters; GitHub drops a page of 1 MiB.
summary="${GITHUB_STEP_SUMMARY:-/dev/null}"

fail() { # TEXT
  annotate error "$1"
  echo "$1" >> "$summary"
  exit 1
}

may_write() { # TEXT; whether there is a token to write with. GitHub gives each job one; what it may not do shows later.
  [ "$host" = github ] || [ -n "${DATA_EXPERIMENT_TOKEN:-}" ] || { echo "DATA_EXPERIMENT_TOKEN is not set, so $1"; return 1; }
}

remotely() { # ARGUMENT...: Git, with $TOKEN, which other processes could read on a command line
  TOKEN=$TOKEN git -c credential.helper= -c credential.helper='!f() { echo username=x-access-token; echo "password=$TOKEN"; }; f' "$@"
}

gitlab() { # METHOD PATH [OPTION...]; the token goes through a pipe, since other processes can read a command line
  method=$1 url="$CI_API_V4_URL/projects/$2"
  shift 2
  printf 'header = "PRIVATE-TOKEN: %s"\n' "$DATA_EXPERIMENT_TOKEN" |
    curl --config - --fail --silent --show-error --request "$method" "$@" "$url"
}

gitlab_tagged() { # PATH TEXT NUMBER: the field NUMBER of each whose field TEXT begins with the tag, of all pages
  page=1
  case $1 in *\?*) query="$1&" ;; *) query="$1?" ;; esac
  while found=$(gitlab GET "${query}per_page=100&page=$page") && [ "$found" != "[]" ]; do
    printf '%s' "$found" | python -c 'import json, sys
tag, text, number = sys.argv[1:]
for one in json.load(sys.stdin):
    if (one[text] or "").startswith(tag):
        print(one[number])' "$tag" "$2" "$3" || return 1
    page=$((page + 1))
  done
  [ "$found" = "[]" ] # else a request failed
}
