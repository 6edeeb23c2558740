#!/bin/sh
# What the workflow does, for any other CI and for the command line: run it in the project's folder.
set -eu

usage() {
    echo "usage: $0 preview|up|check" >&2
    exit 2
}

need() { # VARIABLE WHAT
    eval "value=\${$1:-}"
    [ -n "$value" ] || {
        echo "$0: $1 is not set: $2" >&2
        exit 1
    }
}

[ $# -eq 1 ] || usage
need PULUMI_BACKEND_URL 'where the state lies, such as s3://our-bucket or file:///srv/pulumi'
need PULUMI_CONFIG_PASSPHRASE 'what secrets in the state are encrypted with'
stack=${PULUMI_STACK:-prod}
pack=${POLICY_PACK:-policies}
config=$pack/config.json

# Each run brings the environment up to date: an earlier one may have failed, and requirements.txt changes.
[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
PATH=$PWD/venv/bin:$PATH
command=$1
set -- --policy-pack "$pack"
[ ! -e "$config" ] || set -- "$@" --policy-pack-config "$config"

# `exec`, so that Pulumi itself hears when the run is cancelled, and stops waiting in time.
case $command in
preview)
    exec pulumi preview --stack "$stack" --diff --non-interactive "$@"
    ;;
up) # with a preview before it, never --skip-preview: that run is the one that rules guard
    exec pulumi up --stack "$stack" --yes --non-interactive "$@"
    ;;
check)
    set --
    [ ! -e "$config" ] || set -- --config "$config"
    exec openai-ft policy check --stack "$stack" "$@"
    ;;
*) usage ;;
esac
