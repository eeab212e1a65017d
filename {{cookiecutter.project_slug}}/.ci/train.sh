#!/bin/sh
# Trains a branch on a runner, so that nobody needs the same laptop, and puts the results on the branch.
#
#     sh .ci/train.sh run COMMIT BRANCH    `dvc repro` of the commit, then `dvc push`; commits what changed
#     sh .ci/train.sh push COMMIT BRANCH   puts that on the branch, if it still is at the commit
#
# AGAIN=true trains what is current too: once for a baseline that was trained on another machine. DEFAULT is the name of the
# branch that only pull requests change. TOKEN lets `push` write. Trained seeds are kept by machine, so a cache shared by
# the host's runners would never be hit; on a runner of your own, `dvc config --global cache.dir FOLDER` keeps both the data
# and the seeds from one job to the next.
set -eu
. "$(dirname "$0")/host.sh"

# Whether a push must fail is known before hours of training.
may_start() { # BRANCH
  if [ "$1" = "$DEFAULT" ]; then
    fail "Results come to \`$1\` by {% if cookiecutter.ci == "gitlab" %}merge{% else %}pull{% endif %} request, so nothing was trained: make a branch of it, and train that."
  fi
  may_write "the results could not be put on the branch and nothing was trained: make a project access token with the role Developer and the scopes \`api\` and \`write_repository\`, and that masked CI/CD variable of it." || exit 1
  # Into a folder that is not there DVC would push too, and it would go with this job.
  name=$(dvc remote default 2> /dev/null) || return 0 # there is no remote
  url=$(dvc config "remote.$name.url")
  case $url in
    *://*) ;;
    *) [ -d "$url" ] || fail "The DVC remote is the folder \`$url\`, which this machine does not have, so nothing was trained: let a runner of your own train that has it, or take a remote that both see (\`dvc remote add --default --force storage URL\`)." ;;
  esac
}

bring() { # the data, and the results of before, which need not be made again where their inputs are the same
  if dvc remote default > /dev/null 2>&1; then
    if [ -e data/raw.dvc ]; then
      dvc pull data/raw.dvc ||
        fail "data/raw could not be brought from the DVC remote: \`dvc push\` it from the machine that has it, and let this job have what the remote is read with (see where it is started)."
    fi
    dvc pull --allow-missing dvc.yaml || echo "The earlier results are not all in the DVC remote; what is missing is made again."
  elif [ -e data/raw.dvc ]; then
    fail "data/raw is not in Git, and this project has no DVC remote to bring it from: on the machine that has it, type \`dvc remote add --default storage URL\` and \`dvc push\`, and commit .dvc/config."
  fi
}

reproduce() {
  # With CI set, a stale params.yaml is an error, as nobody would commit it; here somebody does.
  unset CI
  if [ "${AGAIN:-}" = true ]; then
    dvc repro pack curate && DATAPASS_TRAIN_AGAIN=1 dvc repro --force --single-item train || return 1
  fi
  dvc repro
}

# The label asks for one training; on GitHub a job of its own takes it off, since what trains may not.
take_label_off() {
  [ "$host" = gitlab ] && [ -n "${CI_MERGE_REQUEST_IID:-}" ] || return 0
  gitlab PUT "$CI_MERGE_REQUEST_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID" --output /dev/null --data-urlencode remove_labels=train ||
    annotate warning "The label \`train\` could not be taken off; take it off, or the next pipeline trains again."
}

run() { # COMMIT BRANCH
  may_start "$2"
  take_label_off
  if [ "${AGAIN:-}" != true ] && stages=$(sh .ci/data-experiment.sh stages) && [ -z "$stages" ]; then
    echo "The results are of this data, code and configuration already, so there is nothing to train." | tee -a "$summary"
    return 0
  fi
  bring
  reproduce || fail "\`dvc repro\` failed; the log says why. Nothing was changed on the branch."
  # What Git had, and the results that are new; nothing else that a training may leave, such as logs.
  git add --update
  for path in dvc.lock params.yaml conf.ok metrics.json reports data/examples; do
    if [ -e "$path" ]; then git add "$path"; fi
  done
  if git diff --cached --quiet; then
    echo "Training changed no result." | tee -a "$summary"
    return 0
  fi
  # The results first: no lock file on the branch names what nobody can pull.
  if dvc remote default > /dev/null 2>&1; then
    dvc push || fail "The results could not be put into the DVC remote, so nothing was changed on the branch; the log says why."
  else
    echo "This project has no DVC remote, so the models go with this job. What Git keeps of the results is enough to compare them." | tee -a "$summary"
  fi
  git -c user.name="$author" -c user.email="$email" commit --quiet --message "Train in CI: results of $(git rev-parse --short "$1")"
}

push() { # COMMIT BRANCH
  commit=$(git rev-parse HEAD)
  if [ "$commit" != "$1" ] && ! remotely push "$url" "HEAD:refs/heads/$2"; then
    now=$(remotely ls-remote "$url" "refs/heads/$2" | cut -f 1)
    if [ "$now" = "$1" ]; then
      fail "The results could not be pushed to \`$2\`: this job may not write to it; the log says why."
    fi
    fail "\`$2\` moved while this trained, so these results are not of what is there now, and nothing was pushed. Start the training again."
  fi
  echo "commit=$commit" >> "${GITHUB_OUTPUT:-/dev/null}"
}

# Whose name the commit bears, and where it goes. GitLab's own remote has a token in it that may only read.
if [ "$host" = gitlab ]; then
  author="Train in CI" email="noreply@$CI_SERVER_HOST" url="$CI_PROJECT_URL.git" TOKEN="${DATA_EXPERIMENT_TOKEN:-}"
else
  author="github-actions[bot]" email="41898282+github-actions[bot]@users.noreply.github.com" url=origin
fi

case "${1:-}" in
  run) run "$2" "$3" ;;
  push) push "$2" "$3" ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
