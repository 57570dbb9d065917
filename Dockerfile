# Builds and runs `kopilka serve`.
#
#   docker build -t kopilka .
#   docker run -p 8080:8080 -v kopilka:/data kopilka
#
# The embedded database lives in /data. For PostgreSQL: -e KOPILKA__DATABASE__URL=postgres://…

FROM rust:1-slim-bookworm AS build
# perl and make build OpenSSL, which talks TLS to PostgreSQL. Versions are those of the base image's release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev make perl \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release --features pg-tls --bin kopilka

FROM debian:bookworm-slim
# Roots that servers' certificates are checked against.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 kopilka \
    && useradd --system --uid 10001 --gid kopilka --home-dir /data --no-create-home --shell /usr/sbin/nologin kopilka \
    && install -d -o kopilka -g kopilka -m 0750 /data
COPY --from=build /src/target/release/kopilka /usr/local/bin/kopilka
ENV KOPILKA__LISTEN=0.0.0.0:8080 \
    KOPILKA__DATABASE__URL=sqlite:/data/kopilka.db \
    KOPILKA__LOG__FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["kopilka", "health"]
ENTRYPOINT ["kopilka"]
CMD ["serve"]
