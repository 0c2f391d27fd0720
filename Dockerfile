# The service alone: no sandbox, no embedded database, no build tools, no tests.
#   docker build -t invoicing . && docker run --rm --env-file .env -p 8000:8000 invoicing
# One image, three commands: `migrate` once, then `serve` (the default) and `worker` side by side.

FROM python:3.11-slim AS build
COPY requirements.txt .
RUN python -m venv /srv/venv \
 && /srv/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt \
 && /srv/venv/bin/pip uninstall --yes pip setuptools \
 && printf '#!/srv/venv/bin/python\nimport sys\nfrom app.cli import main\nsys.exit(main())\n' > /srv/venv/bin/invoicing \
 && chmod +x /srv/venv/bin/invoicing

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin invoicing
WORKDIR /srv/invoicing
COPY --from=build /srv/venv /srv/venv
COPY alembic.ini LICENSE ./
COPY migrations ./migrations
COPY app ./app
# Compiled now, because the file system may be read-only later. `/tmp` is the only place that is written to.
RUN /srv/venv/bin/python -m compileall -q app migrations
ENV PATH=/srv/venv/bin:$PATH \
    PYTHONPATH=/srv/invoicing \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production \
    DATA_DIR=/tmp/invoicing \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["invoicing"]
CMD ["serve"]
