#!/bin/sh
# The commands of the workflow. You can also run this script in any other CI and in a terminal, in the project's folder.
set -eu

usage() {
    echo "usage: $0 preview|up|check" >&2
    exit 2
}

need() { # VARIABLE DESCRIPTION
    eval "value=\${$1:-}"
    [ -n "$value" ] || {
        echo "$0: $1 is not set: $2" >&2
        exit 1
    }
}

[ $# -eq 1 ] || usage
need PULUMI_BACKEND_URL 'the backend that stores the state, such as s3://our-bucket or file:///srv/pulumi'
need PULUMI_CONFIG_PASSPHRASE 'the passphrase that encrypts secrets in the state'
stack=${PULUMI_STACK:-prod}
pack=${POLICY_PACK:-policies}
config=$pack/config.json

# Update the environment in each run: an earlier run may have failed, and requirements.txt can change.
[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
PATH=$PWD/venv/bin:$PATH
command=$1
set -- --policy-pack "$pack"
[ ! -e "$config" ] || set -- "$@" --policy-pack-config "$config"

# `exec`, so that Pulumi itself receives the signal when the run is cancelled, and stops waiting in time.
case $command in
preview)
    exec pulumi preview --stack "$stack" --diff --non-interactive "$@"
    ;;
up) # never with --skip-preview: the policies protect you only if they run in the preview
    exec pulumi up --stack "$stack" --yes --non-interactive "$@"
    ;;
check)
    set --
    [ ! -e "$config" ] || set -- --config "$config"
    exec openai-ft policy check --stack "$stack" "$@"
    ;;
*) usage ;;
esac
