# efterkurs: one static binary, no root, data in a volume.
#
#   docker build -t efterkurs .
#   docker run -p 8080:8080 -v efterkurs:/data -e PUBLIC_URL=https://… efterkurs

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
# No cgo: SQLite is pure Go, so the binary needs nothing of the image it runs in.
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${VERSION}" -o /out/efterkurs ./cmd/efterkurs \
 && mkdir -p /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/efterkurs /usr/local/bin/efterkurs
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
VOLUME /data
ENV DATABASE_URL=sqlite:/data/efterkurs.db \
    LISTEN_ADDR=0.0.0.0:8080 \
    TMPDIR=/data
EXPOSE 8080
STOPSIGNAL SIGTERM
# The image has no shell and no curl: the binary asks itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/usr/local/bin/efterkurs", "health"]
ENTRYPOINT ["/usr/local/bin/efterkurs"]
CMD ["serve"]
