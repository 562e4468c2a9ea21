# syntax=docker/dockerfile:1
# The image of pipe. Its context is made by .ci/release/image-context from built programs:
#
#   .ci/release/image-context out/image amd64=PROGRAM
#   docker build --target pipe -t pipe -f Dockerfile out/image
#   docker run --rm --read-only --tmpfs /tmp pipe run --sandbox pipelines/backstage.yaml
FROM scratch AS pipe
ARG TARGETARCH
LABEL org.opencontainers.image.title="pipe" \
      org.opencontainers.image.source="https://github.com/pipe-engine/pipe" \
      org.opencontainers.image.licenses="MIT"
COPY linux/${TARGETARCH}/pipe /usr/bin/pipe
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY pipelines /pipelines
# The state of the last run and, while a run works, what it will send. Mount a volume
# over the first and a tmpfs or another volume over the second.
COPY --chown=10001:10001 folders /
ENV PATH=/usr/bin HOME=/state XDG_STATE_HOME=/state
USER 10001:10001
WORKDIR /
ENTRYPOINT ["/usr/bin/pipe"]
CMD ["help"]

# A worker of a fleet on Temporal; the context needs worker-amd64=PROGRAM, too.
FROM scratch AS worker
ARG TARGETARCH
LABEL org.opencontainers.image.title="pipe-worker" \
      org.opencontainers.image.source="https://github.com/pipe-engine/pipe" \
      org.opencontainers.image.licenses="MIT"
COPY linux/${TARGETARCH}/pipe-worker /usr/bin/pipe-worker
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --chown=10001:10001 folders /
ENV PATH=/usr/bin HOME=/state XDG_STATE_HOME=/state PIPE_WORKER_FILE=/etc/pipe-worker/worker.yaml
USER 10001:10001
WORKDIR /
ENTRYPOINT ["/usr/bin/pipe-worker"]
CMD ["run"]

# For pipelines with plugins: Python with grpcio, and the plugin redact.
FROM docker.io/library/debian:12-slim AS plugins
LABEL org.opencontainers.image.title="pipe with Python and the plugin redact" \
      org.opencontainers.image.source="https://github.com/pipe-engine/pipe" \
      org.opencontainers.image.licenses="MIT"
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3-grpcio \
 && rm -rf /var/lib/apt/lists/*
COPY --from=pipe /usr/bin/pipe /usr/bin/pipe
COPY --from=pipe /pipelines /pipelines
COPY --chmod=0755 redact.py /plugins/examples/redact/redact.py
COPY --chown=10001:10001 --from=pipe /state /state
ENV HOME=/state XDG_STATE_HOME=/state
USER 10001:10001
WORKDIR /
ENTRYPOINT ["/usr/bin/pipe"]
CMD ["help"]
