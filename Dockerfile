# syntax=docker/dockerfile:1
FROM rust:1-alpine AS build
# What the scripts need beyond the tools of the image.
RUN apk add --no-cache bash ca-certificates coreutils findutils musl-dev tar
WORKDIR /joblens
COPY . .
# The compiler of this image makes static binaries for musl.
RUN CC=gcc SOURCE_DATE_EPOCH=0 packaging/build.sh --out /packages \
    && tar -xzf /packages/*.tar.gz --strip-components=1 -C /packages

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /packages/LICENSE /packages/THIRD-PARTY-NOTICES.txt \
    /packages/rust-standard-library.html /usr/share/doc/joblens/
COPY --from=build /packages/joblens /usr/local/bin/
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/joblens"]
