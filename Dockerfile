# The service alone: no sandbox, no embedded database, no build tools, no tests.
#   docker build -t invoicing --build-arg REVISION="$(git rev-parse HEAD)" .
#   docker run --rm --env-file .env --read-only --tmpfs /tmp -p 8000:8000 invoicing
# One image, three commands: `migrate` once, then `serve` (the default) and `worker` side by side.
# A pipeline that wants the base frozen names it by digest: --build-arg PYTHON=python:3.11-slim@sha256:…

ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS build
WORKDIR /build
COPY requirements.txt .
RUN python -m venv --without-pip /srv/venv \
 && python -m pip --python /srv/venv/bin/python install --no-cache-dir --disable-pip-version-check --require-hashes \
    -r requirements.txt \
 && printf '#!/srv/venv/bin/python\nimport sys\nfrom app.cli.main import main\nsys.exit(main())\n' > /srv/venv/bin/invoicing \
 && chmod 755 /srv/venv/bin/invoicing

FROM ${PYTHON}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="invoicing" \
      org.opencontainers.image.description="Stripe invoices from draft to fulfilled, exactly once." \
      org.opencontainers.image.version="1.0.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
# A fixed number, so that a cluster can see that it is not root; nobody's home, nobody's shell.
RUN groupadd --system --gid 10001 invoicing \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin invoicing
WORKDIR /srv/invoicing
COPY --from=build /srv/venv /srv/venv
COPY alembic.ini LICENSE ./
COPY migrations ./migrations
COPY app ./app
# Compiled now, because nothing can be written later: `/tmp` is the only place that is written to.
RUN /srv/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash app migrations
ENV PATH=/srv/venv/bin:$PATH \
    PYTHONPATH=/srv/invoicing \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production \
    DATA_DIR=/tmp/invoicing \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of `serve`; who runs another command disables it. Python asks, because there is no curl; never through a proxy of the container.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["invoicing"]
CMD ["serve"]
