"""The only sockets, timers and threads of the engine: the shared media ports, ICE links, DTLS, SRTP, SCTP."""
