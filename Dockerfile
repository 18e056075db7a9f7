# One image for both ways of running:
#   Lambda:  the function's Command names a handler, as functions.etri.face_deid.handler
#   server:  docker run -p 3000:3000 -v face-data:/data IMAGE            (gunicorn, `serve`)
# The default base brings CUDA 13 and cuDNN 9, which onnxruntime-gpu needs for a GPU. Without one:
#   docker build --build-arg BASE=python:3.11-slim-bookworm --build-arg RUNTIME=cpu .
# RUNTIME is said and not looked up, because there is no driver where images are built.
ARG BASE=nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04
ARG RUNTIME=gpu

FROM python:3.11-slim-bookworm AS models
WORKDIR /app
COPY requirements.txt requirements-models.txt ./
RUN grep -oE '^(numpy|rich)==[^ ]+' requirements.txt \
    | xargs pip install --no-cache-dir -r requirements-models.txt
COPY shared shared
COPY tools tools
RUN python -m tools.models --models-dir /opt/models fetch
ARG RUNTIME
RUN python tools/requirements.py --runtime ${RUNTIME} requirements.txt > /opt/requirements.txt

FROM ${BASE}
RUN if ! command -v python3 > /dev/null; then \
        apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv \
        && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /app
COPY --from=models /opt/requirements.txt .
RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir -r requirements.txt
ENV PATH=/opt/venv/bin:$PATH MODELS_DIR=/opt/models DATA_DIR=/data HOST=0.0.0.0 \
    PYTHONUNBUFFERED=1 OPENBLAS_NUM_THREADS=1 ORT_DISABLE_TELEMETRY=1
COPY --from=models /opt/models /opt/models
COPY template.yaml LICENSE NOTICE ./
COPY licences licences
COPY shared shared
COPY functions functions
COPY local_runner local_runner
# What searches large groups is compiled here, for any processor with AVX2, and not at the first start.
# numba needs a folder that it can write to, in Lambda that is below /tmp: the entry point copies it.
ENV NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES="" NUMBA_CACHE_DIR=/tmp/numba
RUN NUMBA_CACHE_DIR=/opt/numba python -c "from shared.index import ann, codes; ann.compile_all()"
RUN python -m compileall -q . && mkdir /data && chown 10001 /data
USER 10001
VOLUME /data
# Lambda sets AWS_LAMBDA_RUNTIME_API and passes the handler; anything else is a command of the runner.
ENTRYPOINT ["/bin/sh", "-c", "if [ -d /opt/numba ] && [ ! -d $NUMBA_CACHE_DIR ]; then cp -r /opt/numba $NUMBA_CACHE_DIR; fi; if [ -n \"$AWS_LAMBDA_RUNTIME_API\" ]; then exec python -m awslambdaric \"$@\"; else exec python -m local_runner \"$@\"; fi", "entrypoint"]
CMD ["serve"]
