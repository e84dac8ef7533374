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
 * @typedef {"idle" | "connecting" | "waiting" | "connected" | "reconnecting" | "disconnected" | "failed"} ConnectionState
 * `waiting`: in the waiting room. `disconnected` is the end by one's own wish, `failed` an end that is not; both are final until connect() is called again.
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
 * @property {string | null} [breakout_room_id]
 * @property {any} [virtual_background]
 */

/**
 * @typedef {object} RoomState
 * @property {boolean} [continued] The server knows what the session before has said.
 * @property {string} room_id
 * @property {string} session_id
 * @property {string} user_id
 * @property {Role} role
 * @property {Permissions} permissions
 * @property {RoomSettings} settings
 * @property {ParticipantInfo[]} participants
 * @property {PublicationInfo[]} publications
 * @property {any[]} [hand_raise_queue]
 * @property {any[]} [waiting_room]
 * @property {any[]} [breakout_rooms]
 * @property {any[]} [recordings]
 * @property {any[]} [live_streams]
 * @property {RTCIceServer[]} [ice_servers]
 * @property {number} [heartbeat_interval_ms]
 * @property {Record<string, any>} [features]
 */

/**
 * @typedef {object} Participant
 * @property {string} username The only identity there is.
 * @property {string} displayName
 * @property {string | null} avatarUrl
 * @property {Role} role
 * @property {boolean} isLocal
 * @property {boolean} isSpeaking
 * @property {number} audioLevel 0 to 1.
 * @property {boolean} isHandRaised
 * @property {string | null} joinedAt ISO 8601, UTC.
 * @property {string | null} connectionQuality `excellent`, `good`, `fair`, `poor`; null until it is measured.
 * @property {import("./backgrounds.js").Background} background What their browser shows behind them.
 * @property {string | null} breakoutRoomId Where they are; null: in the main room.
 */

/**
 * The seven permissions, and whatever a newer server adds.
 * @typedef {Record<string, boolean>} Permissions
 */

/**
 * @typedef {object} RoomSettings
 * @property {boolean} lock_room
 * @property {boolean} enable_waiting_room
 * @property {boolean} mute_on_entry
 * @property {boolean} enable_chat
 * @property {boolean} enable_reactions
 * @property {number} max_participants
 * @property {boolean} enable_recording
 * @property {boolean} automatic_recording
 * @property {boolean} require_host_approval
 * @property {boolean} chat_history
 */

/**
 * @typedef {object} BreakoutRoom
 * @property {string} id
 * @property {string} name
 * @property {string[]} userIds Who is in it now.
 * @property {number | null} maxParticipants Hosts and moderators not counted.
 * @property {Date | null} endsAt When it closes by itself, by this machine's clock.
 * @property {boolean} selfAssign Participants may come and go by themselves.
 * @property {string} createdBy
 */

/** @typedef {{ userId: string, raisedAt: string, position: number }} RaisedHand */
/** @typedef {{ userId: string, by: string, at: string, reason: string | null }} Ban */
/** @typedef {"approval" | "no_host" | "capacity"} WaitReason */

/**
 * @typedef {object} WaitingPerson
 * @property {string} userId
 * @property {string} displayName
 * @property {string | null} avatarUrl
 * @property {string} since ISO 8601, UTC.
 * @property {number} position 1 is next.
 * @property {WaitReason} reason
 */

/** @typedef {{ level: string, kbps: number, lossPercent: number | null, jitterMs: number | null, rttMs: number | null }} PathQuality */

/**
 * @typedef {object} Quality
 * @property {string} userId
 * @property {string} level `excellent`, `good`, `fair` or `poor`.
 * @property {boolean} interrupted
 * @property {PathQuality | null} uplink
 * @property {PathQuality | null} downlink
 * @property {string} recommendation One sentence in English.
 * @property {string} code The same, stable: `none`, `reconnecting`, `stop_video`…
 */

/**
 * Payloads that the server takes, by type of message: written from its models.
 * @typedef {import("./messages.d.ts").ClientPayloads} ClientPayloads
 */

/**
 * How the parts of the SDK reach the server.
 * @typedef {object} Link
 * @property {() => string} self One's own username.
 * @property {<T extends keyof ClientPayloads>(type: T, payload: ClientPayloads[T]) => void} send
 * @property {<T extends keyof ClientPayloads>(type: T, payload: ClientPayloads[T]) => Promise<Envelope>} request
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
 * @property {boolean} [simulcast] Send a camera in three sizes (RIDs q, h, f), a screen at two frame rates (h, f). Default false.
 * @property {string} [codec] Offered first: `VP8`, `VP9`, `H264` or `AV1`. Of VP9 and AV1 all sizes go in one stream (SVC).
 * @property {RTCRtpEncodingParameters[]} [encodings] Exactly these encodings; overrides all of the above.
 * @property {MediaStream} [stream] Tracks published with the same stream are played in sync.
 */

/** @typedef {"auto" | "data-saver" | "audio-only"} ReceiveMode */
/** @typedef {"auto" | "high" | "medium" | "low" | "off"} ReceiveQuality */

/**
 * @typedef {object} TrackWish What is wanted of one publication; at first: everything.
 * @property {boolean} [visible]
 * @property {number} [width] How large it is shown, in device pixels; 0: not known.
 * @property {number} [height]
 * @property {ReceiveQuality} [quality] The best that is wanted.
 * @property {boolean} [pinned] Comes before all other video.
 */

/** @typedef {{ rid: string | null, spatial: number, temporal: number, width: number | null, height: number | null, frames_per_second: number | null, bitrate_bps: number }} LayerInfo As the server measures it. */
/** @typedef {{ preferred: LayerInfo | null, target: LayerInfo | null, current: LayerInfo | null, paused: boolean, reason: string | null }} TrackReception */

/**
 * @typedef {object} Reception What this side receives and why.
 * @property {number | null} estimateBps What the path carries.
 * @property {string | null} limitedBy What the estimate is limited by.
 * @property {ReceiveMode} mode
 * @property {Record<string, TrackReception>} tracks By publication.
 */

/**
 * @typedef {object} ChatMessage
 * @property {string} id
 * @property {string} from Username of the author; empty for the system.
 * @property {string} name Display name of the author when it was written.
 * @property {string} text What was typed; to be shown as text.
 * @property {string} html The same with links and line breaks. Not to be trusted blindly: parse it by an allow-list of `a` and `br`.
 * @property {string | null} to Username of the only recipient, or null for the whole room.
 * @property {boolean} toAllRooms For the main room and all breakout rooms.
 * @property {boolean} own
 * @property {boolean} system
 * @property {Date} at
 * @property {string | null} replyTo Id of the message that this answers.
 * @property {string | null} threadRoot Id of the first message of the thread that this is in.
 * @property {Date | null} edited
 * @property {boolean} deleted
 * @property {ChatImage[]} images
 * @property {LinkPreview[]} previews
 * @property {ChatReaction[]} reactions
 */

/** @typedef {{ id: string, url: string, type: string, bytes: number, width: number, height: number }} ChatImage `url` needs the token: see Chat.download(). */
/** @typedef {{ url: string, title: string, description: string, imageUrl: string | null }} LinkPreview Plain text from elsewhere. */
/** @typedef {{ emoji: string, userIds: string[] }} ChatReaction */
/** @typedef {{ messages: ChatMessage[], nextBefore: string | null }} ChatPage The oldest first; `nextBefore`: `before` of the next older page. */

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
 * @typedef {object} FileTransfer One file on its way; the same object from its offer to its end.
 * @property {string} id
 * @property {"send" | "receive"} direction
 * @property {string} peerId Username of the other one.
 * @property {string} name
 * @property {number} size Bytes.
 * @property {string} type Media type, as the sender says.
 * @property {number} bytes How much the receiver has written.
 * @property {"offered" | "connecting" | "transferring" | "interrupted" | "verifying" | "complete" | "rejected" | "cancelled" | "failed"} state
 *   `interrupted`: goes on by itself when both are there again. The last four are final.
 * @property {string | null} reason Why it ended without the file: `declined`, `cancelled`, `left`, `no_space`, `timeout`,
 *   `checksum_mismatch`, `file_unreadable`, or a code of an error.
 * @property {"direct" | "relay" | null} via Which way it takes.
 * @property {Blob | null} file What was received, once it is complete.
 */

/**
 * @typedef {object} ClientEvents Event name → `detail` of the CustomEvent.
 * @property {{ state: ConnectionState, previous: ConnectionState, sentence: string, error: import("./errors.js").PlenumError | null, retryInMs: number | null }} state
 * @property {{ transport: TransportName, state: TransportState, sentence: string }} media
 * @property {{ transport: TransportName, path: import("./network-path.js").NetworkPath }} path Which way media takes; again when it takes another.
 * @property {Reception} reception What is received of each publication and why has changed.
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
 * @property {ChatMessage} chat A new message.
 * @property {{ message: ChatMessage }} chat-updated Edited, deleted, answered, or with a preview now.
 * @property {{ userId: string, messageId: string, with: string | null }} chat-read
 * @property {{ userId: string, typing: boolean, to: string | null, expiresInMs: number }} chat-typing
 * @property {{ queue: RaisedHand[], risen: string[] }} hands `risen`: whose hand was not up before.
 * @property {{ waiting: WaitingPerson[], arrived: WaitingPerson | null }} waiting-room Who waits for this room; only told to those who manage participants.
 * @property {WaitingPerson} waiting One waits oneself: the place in the queue.
 * @property {{ settings: Partial<RoomSettings>, by: string | null }} settings
 * @property {{ rooms: BreakoutRoom[], by: string, created: string[] }} breakouts Breakout rooms were made or closed, or somebody moved.
 * @property {{ id: string | null, name: string, from: string, by: string, closed: boolean }} breakout-moved One is somewhere
 *   else now (null: in the main room); `from`: name of the breakout room where one was; `closed`: because that was closed.
 * @property {{ id: string, name: string, remainingS: number }} breakout-closing It will close by itself soon.
 * @property {{ stream: import("./live.js").LiveStreamInfo | null }} live A live stream began, changed or ended; null: several at once.
 * @property {{ userId: string, permissions: Permissions }} permissions Those of somebody else have changed.
 * @property {{ running: import("./messages.js").RecordingInfo[], changed: import("./messages.js").RecordingInfo | null }} recordings What is being recorded now.
 * @property {{ bans: Ban[] }} bans
 * @property {{ by: string, audio: boolean, video: boolean }} unmute-request
 * @property {Quality} quality
 * @property {{ dominant: string | null, speakers: Speaker[] }} active-speakers
 * @property {{ userId: string, emoji: string, durationMs: number }} reaction
 * @property {{ transfer: FileTransfer }} file-offer Somebody offers a file: `client.files.accept()` or `.reject()` it.
 * @property {{ transfer: FileTransfer }} file-update A transfer got further, or has ended.
 * @property {RelayMessage} data
 * @property {{ role: Role, permissions: Record<string, boolean> }} rights
 * @property {{ error: import("./errors.js").PlenumError }} error
 * @property {Envelope} message Every message of the server, for what the SDK does not model.
 */

export {};
