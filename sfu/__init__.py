"""Media engine: RTP in, RTP out, no decoding. Knows Routers, Transports, Producers, Consumers; knows no user.

The face for other parts is ``Engine`` (sfu.engine), ``Router`` (sfu.router), ``Transport`` (sfu.transport),
``Producer``, ``Consumer``, ``MediaOptions`` (sfu.options) and the failures of ``sfu.errors``.
"""
