"""The process that records one room: ``python -m recorder.worker``, started by ``media.jobs``."""
