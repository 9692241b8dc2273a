# The build needs the development dependencies; the image holds what esbuild made of them, and nothing else.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No install script of a dependency is needed, so none may run.
RUN npm ci --ignore-scripts
COPY .config .config
COPY spec spec
COPY src src
RUN node .config/build.mjs /app && rm -f /app/*.map

FROM node:24-bookworm-slim
LABEL io.airbyte.name="source-tributary" \
      io.airbyte.version="0.1.0" \
      org.opencontainers.image.title="source-tributary" \
      org.opencontainers.image.description="Airbyte source for PostgreSQL, MySQL and MariaDB: snapshots and change data capture" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /app /app
# What Airbyte's platform evaluates in /bin/sh: always ENTRYPOINT, joined by blanks.
ENV AIRBYTE_ENTRYPOINT="node /app/main.js" \
    NODE_ENV=production
# Where the platform puts config, catalog and state. It runs the image as uid 1000 with no capabilities.
WORKDIR /source
RUN chown 1000:1000 /source
USER 1000:1000
ENTRYPOINT ["node", "/app/main.js"]
