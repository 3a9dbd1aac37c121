# One image for the coordinator and for clients: `parley` with what is said after the image's name.
#
#   docker build -t parley .
#   docker run --rm -v parley:/var/lib/parley parley init --home /var/lib/parley
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -e PARLEY_HOST=0.0.0.0 -p 7443:7443 -p 7080:7080 -v parley:/var/lib/parley parley
#
# docs/operations.md says how it is run; deploy/compose.yaml is a federation.

FROM node:20-slim AS build
# Only here: better-sqlite3 is compiled where its prebuilt file cannot be had.
RUN apt-get update && apt-get install -y --no-install-recommends g++ make python3 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:20-slim
ENV NODE_ENV=production PARLEY_HOME=/var/lib/parley
# Nobody needs to log in, or to install anything.
RUN groupadd --gid 10001 parley \
  && useradd --uid 10001 --gid parley --home-dir /var/lib/parley --shell /usr/sbin/nologin parley \
  && install -d -o parley -g parley -m 0700 /var/lib/parley \
  && rm -rf /usr/local/lib/node_modules/npm /usr/local/bin/npm /usr/local/bin/npx /opt/yarn-* \
  && ln -s /app/dist/cli/main.js /usr/local/bin/parley
WORKDIR /app
COPY --from=build /build/package.json /build/LICENSE ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist/core ./dist/core
COPY --from=build /build/dist/audit ./dist/audit
COPY --from=build /build/dist/kernels ./dist/kernels
COPY --from=build /build/dist/server ./dist/server
COPY --from=build /build/dist/client ./dist/client
COPY --from=build /build/dist/consumer ./dist/consumer
COPY --from=build /build/dist/sim ./dist/sim
COPY --from=build /build/dist/cli ./dist/cli
COPY --from=build /build/dist/web ./dist/web
COPY --from=build /build/examples ./examples
USER 10001:10001
WORKDIR /var/lib/parley
VOLUME /var/lib/parley
# gRPC; HTTP, WebSocket and the dashboard.
EXPOSE 7443 7080
# Of a coordinator. A client listens nowhere: turn it off there.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["parley", "health", "--home", "/var/lib/parley"]
ENTRYPOINT ["parley"]
CMD ["coordinator"]
