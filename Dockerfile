# The operator's image: bundled programs on Node 24, nothing else. BASE is any image with `node` (24 or later) in PATH;
# pin it by digest for a release. Make the bundles first: npm run build.
ARG BASE=docker.io/library/node:24-bookworm-slim
FROM ${BASE}
# holdfast.mjs, with what it loads for `run` beside it, is the operator; choose.mjs is the start choice in front of
# every gateway: a file of its own, so that what stands between a gateway and its start loads next to nothing.
COPY dist/holdfast*.mjs dist/choose.mjs /app/
# The version that the program tells.
COPY package.json /
ENV NODE_ENV=production
# A number, so that the kubelet can prove runAsNonRoot. Nothing is written: a read-only root file system will do.
USER 65532:65532
ENTRYPOINT ["node", "/app/holdfast.mjs"]
CMD ["run"]
