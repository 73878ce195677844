#!/usr/bin/env bash
# Makes a Python base image without a registry: Debian's packages by debootstrap, imported as cci/python-base:local.
#   scripts/base_image.sh && docker build --build-arg BASE=cci/python-base:local -t cci:local .
set -euo pipefail
tag=${1:-cci/python-base:local}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
command -v debootstrap >/dev/null || { apt-get update -qq; apt-get install -y -qq debootstrap >/dev/null; }
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates,systemd bookworm "$tree" >/dev/null
cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
tar -C "$tree" -c . | docker import --change 'CMD ["python3"]' - "$tag"
