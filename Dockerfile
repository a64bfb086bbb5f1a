# syntax=docker/dockerfile:1

# Debian, not Alpine: Temporal's core is a native library that needs glibc.
FROM node:20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN npm run build

# Optional packages are the embedded PostgreSQL of `muster up` and compilers: a server needs neither.
FROM node:20-bookworm-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund && npm cache clean --force

FROM node:20-bookworm-slim
# ping: for the Investigator of that name. tini: reaps and passes signals on as process 1.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates iputils-ping tini \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# Owned by root: the process can't change its own code.
COPY --from=dependencies /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
COPY deploy/healthcheck.mjs deploy/healthcheck.mjs
RUN install --directory --owner=node --group=node --mode=0700 /var/lib/muster
ENV NODE_ENV=production \
  NODE_OPTIONS=--enable-source-maps \
  MUSTER_HOME=/var/lib/muster
USER node
VOLUME /var/lib/muster
# Agents, operators, a worker's health and metrics.
EXPOSE 8250 8251 8252
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "node", "/app/dist/cli/main.js"]
CMD ["--help"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "/app/deploy/healthcheck.mjs"]
