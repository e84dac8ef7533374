/**
 * The shapes that travel between the server, the SDK and an application. Types only: this module has no code.
 * Names follow docs/protocol.md; what the server sends is snake_case, what the SDK hands out is camelCase.
 * @module
 */

/** @typedef {"camera" | "microphone" | "screen" | "screen-audio"} Source What a publication shows or plays. */
/** @typedef {"audio" | "video"} Kind */
/** @typedef {"host" | "moderator" | "participant" | "guest"} Role */
/** @typedef {"publish" | "subscribe"} TransportName */

/**
 * @typedef {"idle" | "connecting" | "connected" | "reconnecting" | "disconnected" | "failed"} ConnectionState
 * `disconnected` is the end by one's own wish, `failed` an end that is not; both are final until connect() is called again.
 */

/** @typedef {"new" | "connecting" | "connected" | "interrupted" | "closed"} TransportState */

/**
 * One frame of the WebSocket, either way. `seq`, `sender`, `timestamp` and `reply_to` come from the server.
 * @typedef {object} Envelope
 * @property {string} type
 * @property {any} payload
 * @property {string} [id]
 * @property {string} [reply_to]
 * @property {string | null} [sender]
 * @property {string} [timestamp]
 * @property {number} [seq]
 */

/**
 * @typedef {object} PublicationInfo As the server sends it.
 * @property {string} publication_id
 * @property {string} user_id
 * @property {Source} source
 * @property {Kind} kind
 * @property {boolean} muted
 */

/**
 * @typedef {object} ParticipantInfo As the server sends it.
 * @property {string} username
 * @property {string | null} [display_name]
 * @property {string | null} [avatar_url]
 * @property {string | null} [connection_quality]
 * @property {boolean} [is_speaking]
 * @property {number} [audio_level]
 * @property {boolean} [is_hand_raised]
 * @property {Role} [role]
 * @property {string | null} [joined_at]
 */

/**
 * @typedef {object} RoomState
 * @property {string} room_id
 * @property {string} session_id
 * @property {string} user_id
 * @property {Role} role
 * @property {Record<string, boolean>} permissions
 * @property {Record<string, any>} settings
 * @property {ParticipantInfo[]} participants
 * @property {PublicationInfo[]} publications
 * @property {RTCIceServer[]} [ice_servers]
 * @property {number} [heartbeat_interval_ms]
 * @property {Record<string, any>} [features]
 */

/**
 * @typedef {object} Participant
 * @property {string} username The only identity there is.
 * @property {string} displayName
 * @property {Role} role
 * @property {boolean} isLocal
 * @property {boolean} isSpeaking
 * @property {number} audioLevel 0 to 1.
 * @property {boolean} isHandRaised
 * @property {string | null} joinedAt ISO 8601, UTC.
 * @property {string | null} connectionQuality
 */

/**
 * @typedef {object} Publication
 * @property {string} id
 * @property {string} userId
 * @property {Source} source
 * @property {Kind} kind
 * @property {boolean} muted
 */

/**
 * @typedef {object} PublishOptions
 * @property {boolean} [muted] Publish in the muted state, to unmute later without a negotiation.
 * @property {number} [maxBitrate] Bits a second of the best encoding.
 * @property {number} [maxFramerate]
 * @property {boolean} [simulcast] Send three encodings (rids q, h, f) instead of one. Default false.
 * @property {RTCRtpEncodingParameters[]} [encodings] Exactly these encodings; overrides the three above.
 * @property {MediaStream} [stream] Tracks published with the same stream are played in sync.
 */

/**
 * @typedef {object} ChatMessage
 * @property {string} id
 * @property {string} from Username of the author; empty for the system.
 * @property {string} name Display name of the author.
 * @property {string} text
 * @property {string | null} to Username of the only recipient, or null for the whole room.
 * @property {boolean} own
 * @property {boolean} system
 * @property {Date} at
 */

/**
 * @typedef {object} RelayMessage
 * @property {string} from Username of the sender, stamped by the server.
 * @property {string} topic
 * @property {Uint8Array} payload
 * @property {boolean} reliable Which of the two channels it came by.
 */

/**
 * @typedef {object} TrackEvent
 * @property {MediaStreamTrack} track
 * @property {RTCRtpReceiver} receiver
 * @property {Participant} participant
 * @property {Publication} publication
 * @property {Source} source
 */

/** @typedef {{ userId: string, audioLevel: number }} Speaker */

/**
 * @typedef {object} ClientEvents Event name → `detail` of the CustomEvent.
 * @property {{ state: ConnectionState, previous: ConnectionState, sentence: string, error: import("./errors.js").PlenumError | null, retryInMs: number | null }} state
 * @property {{ transport: TransportName, state: TransportState, sentence: string }} media
 * @property {{ room: RoomState, resumed: boolean }} room-state
 * @property {Record<string, never>} resumed The lost session goes on where it was; what was missed has come before this.
 * @property {{ participant: Participant, initial: boolean }} participant-joined
 * @property {{ participant: Participant, reason: string }} participant-left
 * @property {{ participant: Participant }} participant-updated
 * @property {{ publication: Publication, participant: Participant | null }} publication-added
 * @property {{ publication: Publication }} publication-removed
 * @property {{ publication: Publication }} publication-updated
 * @property {TrackEvent} track-subscribed
 * @property {Omit<TrackEvent, "receiver">} track-unsubscribed
 * @property {{ source: Source, by: string }} muted-by-other `by`: a username; empty for the room, which may mute newcomers.
 * @property {{ source: Source }} local-track-ended
 * @property {{ source: Source, error: import("./errors.js").PlenumError }} publish-failed
 * @property {ChatMessage} chat
 * @property {{ dominant: string | null, speakers: Speaker[] }} active-speakers
 * @property {RelayMessage} data
 * @property {{ role: Role, permissions: Record<string, boolean> }} rights
 * @property {{ error: import("./errors.js").PlenumError }} error
 * @property {Envelope} message Every message of the server, for what the SDK does not model.
 */

export {};
