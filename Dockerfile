# The connector as an image: what an Airbyte platform runs. `docker build -t bucketline .`
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
WORKDIR /airbyte
ENV NODE_ENV=production \
    AIRBYTE_ENTRYPOINT="/bucketline/bin/bucketline airbyte"
COPY --from=build /build/package.json /build/LICENSE /bucketline/
COPY --from=build /build/bin /bucketline/bin
COPY --from=build /build/dist /bucketline/dist
COPY --from=build /build/presets /bucketline/presets
COPY --from=build /build/node_modules /bucketline/node_modules
LABEL io.airbyte.name="bucketline/destination-s3" \
      io.airbyte.version="0.1.0"
ENTRYPOINT ["/bucketline/bin/bucketline", "airbyte"]
