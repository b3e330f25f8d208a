# A worker, and the `aftersale` command for whoever looks after it: docker build -t aftersale .
ARG PYTHON_VERSION=3.11

# What builds stays behind: the second stage takes the finished environment only.
FROM python:${PYTHON_VERSION}-slim AS build
WORKDIR /srv/source
COPY deploy/build.lock deploy/worker.lock ./
RUN python -m venv /srv/tools && /srv/tools/bin/pip install --require-hashes -r build.lock
RUN python -m venv --without-pip /srv/python \
    && /srv/tools/bin/pip --python /srv/python install --require-hashes -r worker.lock
COPY pyproject.toml README.md LICENSE ./
COPY aftersale aftersale
COPY policies policies
RUN /srv/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /srv/tools/bin/pip --python /srv/python install --no-deps dist/*.whl
WORKDIR /srv/worker
COPY worker.py deploy/healthy.py ./
COPY activities activities
COPY workflows workflows
# Whoever runs it may not write: what is not compiled here would be compiled at every start. By hash, so that a file that is
# mounted over another is the one that runs.
RUN python -m compileall -q --invalidation-mode checked-hash .

FROM python:${PYTHON_VERSION}-slim
COPY --from=build /srv/python /srv/python
COPY --from=build /srv/worker /srv/worker
WORKDIR /srv/worker
# Health is read from a worker's metrics; name another address to let Prometheus read them too.
ENV PATH=/srv/python/bin:$PATH AFTERSALE_METRICS_ADDRESS=127.0.0.1:9464
# A number, by which Kubernetes too can tell that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=1m CMD ["python", "healthy.py"]
CMD ["python", "worker.py"]
