// Types of all messages. Written from the server's own models by `make docs`: do not edit.
// What they mean is in docs/messages.md; how they play together, in docs/protocol.md.

/** The answer to a message with an `id` that has no other. */
export type Ack = Record<string, unknown>;

/** Who is speaking; at most five a second, only on change. */
export interface ActiveSpeakers {
  /** Who has the floor; null: nobody yet. */
  dominant: string | null;
  /** All who can be heard now, the loudest first. */
  speakers: Array<SpeakerLevel>;
}

/** The stable codes of recommendations. */
export type Advice = "none" | "reconnecting" | "stop_video" | "uplink_loss" | "receive_less" | "downlink_loss" | "unsteady" | "delay";

/** Somebody's application counted something; goes to the others who may manage participants. */
export interface AnalyticsEvent {
  /** The application's own name for it. */
  event_type: string;
  /** Whose application, stamped by the server. */
  user_id: string;
  /** What belongs to it. */
  metadata: Record<string, unknown>;
  /** When, ISO 8601 in UTC. */
  timestamp: string;
}

/** Something that an application wants to have counted; it is kept in the room's event log. */
export interface AnalyticsEventRequest {
  /** The application's own name for it: letters, digits and `_.:-`. */
  event_type: string;
  /** What belongs to it; at most 4,096 characters of JSON. */
  metadata?: Record<string, unknown>;
}

/** A client answers on its subscribe transport. */
export interface AnswerRequest {
  /** Which Transport; absent with `target_user_id`. */
  transport?: Leg | null;
  /** Passed on untouched to this participant, for data channels between the two. */
  target_user_id?: string | null;
  /** The session description. */
  sdp: string;
}

/** A client says what it shows behind its user. */
export interface BackgroundRequest {
  /** Whether it is on. */
  enabled: boolean;
  /** What is behind the participant; not `none` when it is on. */
  background_type: BackgroundType;
  /** Of an image or a video: an https address, a path under `/static/`, or a relative path. Absent where it is on the participant's own machine. */
  background_url?: string | null;
}

/** What is shown behind a participant. */
export type BackgroundType = "none" | "blur" | "image" | "video";

/** Somebody's virtual background, as it is now. Goes to everybody. */
export interface BackgroundUpdate {
  /** Whether it is on. */
  enabled: boolean;
  /** What is behind the participant. */
  background_type: BackgroundType;
  /** The picture or film; null where it is on the participant's own machine. */
  background_url: string | null;
  /** Whose. */
  user_id: string;
}

/** One who was shut out. */
export interface Ban {
  /** Who may not come in. */
  user_id: string;
  /** Who banned it. */
  banned_by: string;
  /** Since when, ISO 8601 in UTC. */
  banned_at: string;
  /** Why, in the words of who did it. */
  reason: string | null;
}

/** Who is banned: the answer to `ban-list`, `ban` and `unban`; goes to who manages participants on every change. */
export interface BanList {
  /** All bans, the oldest first. */
  bans: Array<Ban>;
}

/** Who manages participants asks who is banned. */
export type BanListRequest = Record<string, unknown>;

/** Take somebody out, and let it in no more while the room lives; it need not be there now. */
export interface BanRequest {
  /** Whom. */
  user_id: string;
  /** Told to who is banned. */
  reason?: string | null;
}

/** Who is where the receiver is, and what is published there. After a move this goes to who moved, with everything (`complete`); and to those who were there before, with those who came. Offers on the subscribe transport follow. */
export interface BreakoutArea {
  /** Where the receiver is; null: in the main room. */
  breakout_room_id: string | null;
  /** True: `publications` are all that the receiver can get now, any others it knew are gone. False: they come on top. */
  complete: boolean;
  /** Those who are there, the receiver too, or who came. */
  participants: Array<ParticipantInfo>;
  /** Their tracks. */
  publications: Array<PublicationInfo>;
}

/** Participants were moved, or it was set who may move; goes to everybody in the room, whichever breakout room it is in. The client changes `breakout_room_id` of those in `assignments` and forgets the publications of those who are not where it is itself. Who moved is told its new surroundings by `breakout-room-area`. */
export interface BreakoutAssign {
  /** All breakout rooms as they are now; replaces what the client knew of them. */
  breakout_rooms: Array<BreakoutInfo>;
  /** Where to; null: the main room, or several places. */
  breakout_room_id: string | null;
  /** Name of that breakout room. */
  name: string | null;
  /** Who moved. */
  participant_ids: Array<string>;
  /** Where each of them is now; null: in the main room. */
  assignments: Record<string, string | null>;
  /** For whom `auto` found no place. */
  not_assigned: Array<string>;
  /** Whether they were spread by `auto`. */
  auto: boolean;
  /** Who moved them. */
  assigned_by: string | null;
  /** When that breakout room was made. */
  created_at: string | null;
  /** Who made it. */
  created_by: string | null;
  /** Most participants in it. */
  max_participants: number | null;
}

/** Move participants into a breakout room, or back to the main room; or oneself, where that is allowed. Hosts and moderators may visit any, and move all but the host, who is moved by itself only. */
export interface BreakoutAssignRequest {
  /** Where to; null: back to the main room. */
  breakout_room_id?: string | null;
  /** Who; absent, with `breakout_room_id` present: oneself. */
  participant_ids?: Array<string> | null;
  /** Spread people evenly over all breakout rooms, as far as there are places: those of `participant_ids`, else all in the main room but hosts, moderators and encoders. */
  auto?: boolean;
  /** Set whether participants may come and go by themselves, in this breakout room or (null) in all. Alone, or with `participant_ids` or `auto`. */
  self_assign?: boolean | null;
}

/** Breakout rooms were closed; goes to everybody in the room. All in `participant_ids` are in the main room again, to be treated as in `breakout-room-assign`. */
export interface BreakoutClose {
  /** All breakout rooms as they are now; replaces what the client knew of them. */
  breakout_rooms: Array<BreakoutInfo>;
  /** Which, when it is one; null: all of `closed_ids`. */
  breakout_room_id: string | null;
  /** Its name, when it is one. */
  name: string | null;
  /** All that were closed. */
  closed_ids: Array<string>;
  /** Who came back to the main room. */
  participant_ids: Array<string>;
  /** Who closed them; null: their time was over. */
  closed_by: string | null;
}

/** A host or moderator closes a breakout room, or all; everybody in it comes back to the main room. */
export interface BreakoutCloseRequest {
  /** Which; not together with `all`. */
  breakout_room_id?: string | null;
  /** All of them. */
  all?: boolean;
}

/** A breakout room will close by itself soon; goes to all in it, and to hosts and moderators wherever they are. */
export interface BreakoutClosing {
  /** Which. */
  breakout_room_id: string;
  /** Its name. */
  name: string;
  /** When, ISO 8601 in UTC. */
  ends_at: string;
  /** Seconds until then. */
  remaining_s: number;
}

/** Breakout rooms were made; goes to everybody in the room. The fields on top are those of the first one. */
export interface BreakoutCreate {
  /** All breakout rooms as they are now; replaces what the client knew of them. */
  breakout_rooms: Array<BreakoutInfo>;
  /** Identifies the breakout room. */
  breakout_room_id: string;
  /** Name to show. */
  name: string;
  /** Who is in it now. */
  participant_ids: Array<string>;
  /** When it was made, ISO 8601 in UTC. */
  created_at: string;
  /** Who made it. */
  created_by: string;
  /** Most participants in it, hosts and moderators not counted; null: no limit. */
  max_participants: number | null;
  /** When it closes by itself, ISO 8601 in UTC; null: never. */
  ends_at: string | null;
  /** Whether participants may come and go by themselves. */
  self_assign: boolean;
  /** All that were made at once. */
  created_ids: Array<string>;
}

/** A host or moderator makes one or several breakout rooms. */
export interface BreakoutCreateRequest {
  /** Name to show; of several, a number is added. Absent: `Breakout room` and a number. */
  name?: string | null;
  /** Most participants in each, hosts and moderators not counted; null: no limit. */
  max_participants?: number | null;
  /** Who goes there at once; with several rooms they are dealt out in turn. */
  participant_ids?: Array<string>;
  /** How many to make. */
  count?: number;
  /** Seconds after which they close by themselves; null: never. */
  duration_s?: number | null;
  /** Whether participants may come and go by themselves. */
  self_assign?: boolean;
}

/** A breakout room. */
export interface BreakoutInfo {
  /** Identifies the breakout room. */
  breakout_room_id: string;
  /** Name to show. */
  name: string;
  /** Who is in it now. */
  participant_ids: Array<string>;
  /** When it was made, ISO 8601 in UTC. */
  created_at: string;
  /** Who made it. */
  created_by: string;
  /** Most participants in it, hosts and moderators not counted; null: no limit. */
  max_participants: number | null;
  /** When it closes by itself, ISO 8601 in UTC; null: never. */
  ends_at: string | null;
  /** Whether participants may come and go by themselves. */
  self_assign: boolean;
}

/** A candidate, as browsers' `RTCIceCandidate.toJSON()` gives it. */
export interface CandidateInit {
  /** The candidate line; empty: there are no more. */
  candidate?: string;
  /** Its media section. */
  sdpMid?: string | null;
  /** Its index. */
  sdpMLineIndex?: number | null;
  /** The ICE user name it belongs to. */
  usernameFragment?: string | null;
}

/** A client's candidate; null says that there are no more. */
export interface CandidateRequest {
  /** Which Transport; absent with `target_user_id`. */
  transport?: Leg | null;
  /** Passed on untouched to this participant, for data channels between the two. */
  target_user_id?: string | null;
  /** The candidate. */
  candidate?: CandidateInit | null;
}

/** A message was deleted; goes to all who could see it. */
export interface ChatDelete {
  /** The message; answers to it stay. */
  message_id: string;
  /** Who deleted it. */
  deleted_by: string;
  /** The only receiver; null: the whole room. */
  target_user_id: string | null;
}

/** The author deletes a message; hosts and moderators may delete any message to the room. */
export interface ChatDeleteRequest {
  /** The message. */
  message_id: string;
}

/** A message was edited: the whole message as it is now, to all who can see it; the editor's copy is the answer. */
export interface ChatEdit {
  /** Identifies the message. */
  message_id: string;
  /** Who wrote it, stamped by the server; null: the server. */
  sender_id: string | null;
  /** The writer's display name when it was written. */
  sender_name: string;
  /** The text, to be shown as text; empty when deleted. */
  message: string;
  /** The text as safe HTML: escaped, with links and line breaks, nothing else. */
  html: string;
  /** The only receiver; null: the whole room. */
  target_user_id: string | null;
  /** The breakout room whose people see it; null: the main room, or a direct message. */
  breakout_room_id: string | null;
  /** Whether it is for everybody, in the main room and in all breakout rooms. */
  to_all_rooms: boolean;
  /** Whether the server wrote it. */
  is_system_message: boolean;
  /** When it was written, ISO 8601 in UTC. */
  timestamp: string;
  /** The message that this answers. */
  reply_to_id: string | null;
  /** The first message of the thread that this is in. */
  thread_root_id: string | null;
  /** When it was last edited. */
  edited_at: string | null;
  /** Whether it was deleted; text, images and previews are gone. */
  deleted: boolean;
  /** Its images. */
  images: Array<ChatImage>;
  /** Previews of its links, as far as known. */
  link_previews: Array<LinkPreview>;
  /** Emoji answers. */
  reactions: Array<ChatReactions>;
}

/** The author changes the text of a message, within the server's edit window. */
export interface ChatEditRequest {
  /** The message. */
  message_id: string;
  /** The new text; may be empty only with images. */
  message: string;
}

/** One page of earlier messages. */
export interface ChatHistory {
  /** In order of writing; deleted ones are kept as such. */
  messages: Array<ChatMessage>;
  /** `before` of the next older page; null: there is none. */
  next_before: string | null;
  /** How many answers the threads have whose first message is on this page. */
  reply_counts: Record<string, number>;
  /** Read positions in the room and in one's own direct conversations; only with the newest page. */
  reads: Array<ReadPosition>;
}

/** A client asks for earlier messages that it may see, newest first, page by page. */
export interface ChatHistoryRequest {
  /** Only messages older than this one: `next_before` of the page before; null: newest. */
  before?: string | null;
  /** Most messages of the page. */
  limit?: number;
  /** Only messages that contain this text, in any case. */
  q?: string | null;
  /** Only the direct conversation with this user; null: all that one may see. */
  target_user_id?: string | null;
  /** Only this message and the answers below it. */
  thread_root_id?: string | null;
}

/** An image of a chat message. */
export interface ChatImage {
  /** Identifies the image; cannot be guessed. */
  image_id: string;
  /** Path of the image at this server; add `?token=` with a participant's token, or send it as header. */
  url: string;
  /** `image/png`, `image/jpeg`, `image/gif` or `image/webp`. */
  media_type: string;
  /** Its size. */
  size_bytes: number;
  /** Its width in pixels. */
  width: number;
  /** Its height in pixels. */
  height: number;
}

/** The server has read a linked page; goes to all who can see the message. Only where previews are switched on. */
export interface ChatLinkPreview {
  /** The message with the link. */
  message_id: string;
  /** What the page says. */
  preview: LinkPreview;
}

/** A chat message; goes to the writer too, as the answer. */
export interface ChatMessage {
  /** Identifies the message. */
  message_id: string;
  /** Who wrote it, stamped by the server; null: the server. */
  sender_id: string | null;
  /** The writer's display name when it was written. */
  sender_name: string;
  /** The text, to be shown as text; empty when deleted. */
  message: string;
  /** The text as safe HTML: escaped, with links and line breaks, nothing else. */
  html: string;
  /** The only receiver; null: the whole room. */
  target_user_id: string | null;
  /** The breakout room whose people see it; null: the main room, or a direct message. */
  breakout_room_id: string | null;
  /** Whether it is for everybody, in the main room and in all breakout rooms. */
  to_all_rooms: boolean;
  /** Whether the server wrote it. */
  is_system_message: boolean;
  /** When it was written, ISO 8601 in UTC. */
  timestamp: string;
  /** The message that this answers. */
  reply_to_id: string | null;
  /** The first message of the thread that this is in. */
  thread_root_id: string | null;
  /** When it was last edited. */
  edited_at: string | null;
  /** Whether it was deleted; text, images and previews are gone. */
  deleted: boolean;
  /** Its images. */
  images: Array<ChatImage>;
  /** Previews of its links, as far as known. */
  link_previews: Array<LinkPreview>;
  /** Emoji answers. */
  reactions: Array<ChatReactions>;
}

/** The emoji answers of a message changed; goes to all who can see it. */
export interface ChatReaction {
  /** The message. */
  message_id: string;
  /** Who changed it. */
  user_id: string;
  /** All emoji answers, as they are now. */
  reactions: Array<ChatReactions>;
}

/** A client answers a message with an emoji, or takes that back. */
export interface ChatReactionRequest {
  /** The message. */
  message_id: string;
  /** One emoji. */
  emoji: string;
  /** False: take it back. */
  active?: boolean;
}

/** Who answered a message with one emoji. */
export interface ChatReactions {
  /** The emoji. */
  emoji: string;
  /** Who chose it, in order. */
  user_ids: Array<string>;
}

/** Somebody has read up to a message; goes to the authors of what was newly read, and as the answer to itself. */
export interface ChatRead {
  /** Who has read. */
  user_id: string;
  /** The newest message that was read; all before it are read too. */
  message_id: string;
  /** The other one of a direct conversation, as the receiver sees it; null: the room. */
  target_user_id: string | null;
  /** When, ISO 8601 in UTC. */
  read_at: string;
}

/** A client has shown a message and all before it of the same conversation. */
export interface ChatReadRequest {
  /** The newest message that was read. */
  message_id: string;
}

/** A client writes to the room or to one participant. */
export interface ChatRequest {
  /** The text; may be empty only with images. The server's limit may be lower. */
  message?: string;
  /** The only receiver; null: the whole room. */
  target_user_id?: string | null;
  /** Everybody gets it, in the main room and in all breakout rooms; for hosts and moderators only, and not together with `target_user_id`. */
  to_all_rooms?: boolean;
  /** The message that this answers; it must be of the same conversation. */
  reply_to_id?: string | null;
  /** Images that the writer has uploaded before, each used once. */
  image_ids?: Array<string>;
}

/** Somebody types, or has stopped; goes to those for whom the text will be, not to the typist. */
export interface ChatTyping {
  /** Who types. */
  user_id: string;
  /** Whether it types. */
  typing: boolean;
  /** The only receiver; null: the whole room. */
  target_user_id: string | null;
  /** Take the notice away after so long, when a message of that user comes, or when it leaves. */
  expires_in_ms: number;
}

/** A client types, or has stopped; repeated while it types, before `expires_in_ms` is over. */
export interface ChatTypingRequest {
  /** Whether it types. */
  typing?: boolean;
  /** To whom; null: to the whole room. */
  target_user_id?: string | null;
}

/** The one error model: body of refused REST calls and payload of ``error`` messages. */
export interface ErrorBody {
  /** What went wrong, stable for programs. */
  error_code: ErrorCode;
  /** What went wrong, for people. */
  message: string;
  /** What helps to correct it. */
  details: Record<string, unknown>;
  /** Seconds to wait before another try. */
  retry_after: number | null;
}

/** Stable codes of the error model, in REST bodies and in ``error`` messages alike. */
export type ErrorCode = "unauthorized" | "permission_denied" | "rate_limited" | "room_full" | "room_locked" | "room_not_found" | "room_closed" | "user_not_found" | "session_not_found" | "message_not_found" | "transfer_not_found" | "stream_not_found" | "recording_not_found" | "duplicate_session" | "waiting_for_approval" | "rejected" | "invalid_message" | "invalid_state" | "not_supported" | "media_failed" | "storage_failed" | "unavailable" | "internal" | "not_found" | "method_not_allowed" | "not_acceptable" | "unsupported_media_type" | "too_large" | "precondition_failed" | "precondition_required";

/** Something a client asked for could not be done; never ends the session by itself. */
export interface ErrorMessage {
  /** What went wrong, stable for programs. */
  error_code: ErrorCode;
  /** What went wrong, for people. */
  message: string;
  /** What helps to correct it. */
  details: Record<string, unknown>;
  /** Seconds to wait before another try. */
  retry_after: number | null;
}

/** The receiver waits for the bytes from `offset` on: the sender now opens a data channel to it, or sends over the relay. */
export interface FileAccept {
  /** Identifies the transfer in this room. */
  transfer_id: string;
  /** Who sends the file. */
  sender_id: string;
  /** Who gets it. */
  receiver_id: string;
  /** Its name. */
  file_name: string;
  /** Its size in bytes. */
  file_size: number;
  /** Its media type, as the sender says. */
  file_type: string;
  /** SHA-256 of the whole file in hex, once the sender has told it. */
  checksum: string | null;
  /** How much the receiver has written. */
  bytes_transferred: number;
  /** The same in percent. */
  progress_percentage: number;
  /** How far it is. */
  status: TransferStatus;
  /** When it was offered, ISO 8601 in UTC. */
  offered_at: string;
  /** Why it was rejected, cancelled, or has failed. */
  reason: string | null;
  /** How many bytes the receiver has already. */
  offset: number;
}

/** The receiver takes a file, or goes on with one that was interrupted: the sender sends from `offset` on. */
export interface FileAcceptRequest {
  /** The transfer. */
  transfer_id: string;
  /** How many bytes the receiver has already. */
  offset?: number;
}

/** A transfer is over: `complete`, or `failed` with the reason `checksum_mismatch`. */
export interface FileComplete {
  /** Identifies the transfer in this room. */
  transfer_id: string;
  /** Who sends the file. */
  sender_id: string;
  /** Who gets it. */
  receiver_id: string;
  /** Its name. */
  file_name: string;
  /** Its size in bytes. */
  file_size: number;
  /** Its media type, as the sender says. */
  file_type: string;
  /** SHA-256 of the whole file in hex, once the sender has told it. */
  checksum: string | null;
  /** How much the receiver has written. */
  bytes_transferred: number;
  /** The same in percent. */
  progress_percentage: number;
  /** How far it is. */
  status: TransferStatus;
  /** When it was offered, ISO 8601 in UTC. */
  offered_at: string;
  /** Why it was rejected, cancelled, or has failed. */
  reason: string | null;
}

/** The receiver has the whole file. It is `complete` if both have the same checksum, else `failed`. */
export interface FileCompleteRequest {
  /** The transfer. */
  transfer_id: string;
  /** SHA-256 of what was written, in hex. */
  checksum: string;
}

/** A file is offered. Goes to the two alone, as all messages on files. */
export interface FileOffer {
  /** Identifies the transfer in this room. */
  transfer_id: string;
  /** Who sends the file. */
  sender_id: string;
  /** Who gets it. */
  receiver_id: string;
  /** Its name. */
  file_name: string;
  /** Its size in bytes. */
  file_size: number;
  /** Its media type, as the sender says. */
  file_type: string;
  /** SHA-256 of the whole file in hex, once the sender has told it. */
  checksum: string | null;
  /** How much the receiver has written. */
  bytes_transferred: number;
  /** The same in percent. */
  progress_percentage: number;
  /** How far it is. */
  status: TransferStatus;
  /** When it was offered, ISO 8601 in UTC. */
  offered_at: string;
  /** Why it was rejected, cancelled, or has failed. */
  reason: string | null;
}

/** A client offers a file to one participant. Needs `can_send_chat` and the setting `enable_chat`, as other ways to address somebody. The answer is the same message with the `transfer_id` that the server gave. */
export interface FileOfferRequest {
  /** Who is to get it; must be in the same breakout or main room. */
  receiver_id: string;
  /** Its name, without folders. */
  file_name: string;
  /** Its size in bytes. */
  file_size: number;
  /** Its media type. */
  file_type?: string;
  /** SHA-256 of the file in hex; may follow with the last `file-share-progress`. */
  checksum?: string | null;
}

/** How far a transfer is. */
export interface FileProgress {
  /** Identifies the transfer in this room. */
  transfer_id: string;
  /** Who sends the file. */
  sender_id: string;
  /** Who gets it. */
  receiver_id: string;
  /** Its name. */
  file_name: string;
  /** Its size in bytes. */
  file_size: number;
  /** Its media type, as the sender says. */
  file_type: string;
  /** SHA-256 of the whole file in hex, once the sender has told it. */
  checksum: string | null;
  /** How much the receiver has written. */
  bytes_transferred: number;
  /** The same in percent. */
  progress_percentage: number;
  /** How far it is. */
  status: TransferStatus;
  /** When it was offered, ISO 8601 in UTC. */
  offered_at: string;
  /** Why it was rejected, cancelled, or has failed. */
  reason: string | null;
}

/** How far it is. What the receiver says counts; the sender tells the checksum with it, at the latest at the end. */
export interface FileProgressRequest {
  /** The transfer. */
  transfer_id: string;
  /** Bytes that were written, or sent. */
  bytes_transferred: number;
  /** SHA-256 of the whole file in hex; from its sender. */
  checksum?: string | null;
}

/** A transfer has ended without the file: see `status` and `reason`. */
export interface FileReject {
  /** Identifies the transfer in this room. */
  transfer_id: string;
  /** Who sends the file. */
  sender_id: string;
  /** Who gets it. */
  receiver_id: string;
  /** Its name. */
  file_name: string;
  /** Its size in bytes. */
  file_size: number;
  /** Its media type, as the sender says. */
  file_type: string;
  /** SHA-256 of the whole file in hex, once the sender has told it. */
  checksum: string | null;
  /** How much the receiver has written. */
  bytes_transferred: number;
  /** The same in percent. */
  progress_percentage: number;
  /** How far it is. */
  status: TransferStatus;
  /** When it was offered, ISO 8601 in UTC. */
  offered_at: string;
  /** Why it was rejected, cancelled, or has failed. */
  reason: string | null;
  /** Who ended it; null: the server, because one of the two left. */
  rejected_by: string | null;
}

/** The receiver declines an offer, or either of the two ends a transfer that is under way. */
export interface FileRejectRequest {
  /** The transfer. */
  transfer_id: string;
  /** A code such as `declined`, `cancelled`, `no_space`, `timeout`. */
  reason?: string | null;
}

/** All raised hands, first in first out; goes to everybody on every change, and is the answer to `hand-raise`. */
export interface HandRaiseQueue {
  /** The raised hands. */
  queue: Array<RaisedHand>;
}

/** A client raises or lowers its hand; who manages participants may lower those of others. */
export interface HandRaiseRequest {
  /** Whether the hand is to be up. */
  raised: boolean;
  /** Whose hand; absent: one's own. Another's can only be lowered. */
  user_id?: string | null;
}

/** The answer to a heartbeat. */
export type Heartbeat = Record<string, unknown>;

/** A client is alive; sent every `heartbeat_interval_ms`. */
export interface HeartbeatRequest {
  /** `seq` of the last message that the client has; older ones are kept no longer. */
  last_seq?: number | null;
}

/** A client lost its subscribe connection and wants an offer with new ICE credentials. */
export interface IceRestartRequest {
  /** Only `subscribe`: on `publish` the client offers anew by itself. */
  transport: Leg;
}

/** A STUN or TURN server, to be given to `RTCPeerConnection` as it is. */
export interface IceServerInfo {
  /** Addresses. */
  urls: Array<string>;
  /** User name of a TURN server. */
  username: string | null;
  /** Password of a TURN server. */
  credential: string | null;
}

/** A participant's public key. Goes to the others, or to the one it is for; after `room-state` come those that are kept of the participants who are there. */
export interface KeyExchange {
  /** Whose key. */
  user_id: string;
  /** The public key, Base64. */
  public_key: string;
  /** Names the key among those of its owner. */
  key_id: string;
  /** What media are encrypted with. */
  algorithm: "AES-GCM-256";
  /** Whom it is for; null: everybody. */
  target_user_id: string | null;
}

/** A client publishes a public key, or gives it to one participant. */
export interface KeyExchangeRequest {
  /** The public key, Base64, 32 to 512 bytes. Never a secret one. */
  public_key: string;
  /** Names the key among those of its owner. */
  key_id: string;
  /** What media are encrypted with. */
  algorithm?: "AES-GCM-256";
  /** Only for this participant; absent: for everybody, and kept for 24 hours for those who come later. */
  target_user_id?: string | null;
}

/** Take somebody out of the room; it may join again, through the waiting room if there is one. */
export interface KickRequest {
  /** Whom. */
  user_id: string;
  /** Told to who is taken out. */
  reason?: string | null;
}

/** The receiver has been taken out; its socket is closed with 4410 `kicked`, or 4403 `banned`. The others get `user-left` with the same word as reason. */
export interface Kicked {
  /** Who is taken out: the receiver. */
  user_id: string;
  /** Who did it. */
  kicked_by: string;
  /** Why. */
  reason: string | null;
  /** Whether it may not come back while the room lives. */
  banned: boolean;
}

/** The media kind of a publication. */
export type Kind = "audio" | "video";

/** One quality of a video, by what the server measures of it. */
export interface LayerInfo {
  /** The simulcast encoding; null: there is only one. */
  rid: string | null;
  /** Spatial layer within the encoding (SVC), 0 the smallest. */
  spatial: number;
  /** Temporal layer within the encoding, 0 the slowest. */
  temporal: number;
  /** Width in pixels; null: not known. */
  width: number | null;
  /** Height in pixels; null: not known. */
  height: number | null;
  /** Frames a second; null: not known (yet). */
  frames_per_second: number | null;
  /** Bits a second. */
  bitrate_bps: number;
}

/** A client leaves on purpose. */
export type LeaveRequest = Record<string, unknown>;

/** Which of a participant's two Transports: on ``publish`` the client offers, on ``subscribe`` the server. */
export type Leg = "publish" | "subscribe";

/** What a linked page says about itself: plain text from elsewhere. */
export interface LinkPreview {
  /** The link as it was written. */
  url: string;
  /** Title of the page. */
  title: string;
  /** Description of the page. */
  description: string | null;
  /** https address of a picture; the server did not fetch it, showing it tells that site. */
  image_url: string | null;
}

/** How a live stream is carried. */
export interface LiveHealth {
  /** What the RTMP server takes now, in bit/s. */
  uplink_bps: number;
  /** What video is encoded with now, in bit/s. */
  video_bps: number;
  /** Frames that the uplink had no room for. */
  dropped_frames: number;
  /** How often the RTMP connection was lost. */
  reconnects: number;
}

/** How a live stream is doing, every few seconds; goes to everybody. */
export interface LiveHealthUpdate {
  /** What the RTMP server takes now, in bit/s. */
  uplink_bps: number;
  /** What video is encoded with now, in bit/s. */
  video_bps: number;
  /** Frames that the uplink had no room for. */
  dropped_frames: number;
  /** How often the RTMP connection was lost. */
  reconnects: number;
  /** Which. */
  stream_id: string;
  /** How many watch, as far as it is known. */
  viewer_count: number;
}

/** That viewers can watch by HLS. */
export interface LiveHls {
  /** Whether viewers need no token. */
  public?: boolean;
  /** How far viewers can rewind, in seconds. */
  dvr_s?: number;
}

/** How the picture is made; of all live streams of the room. */
export interface LivePicture {
  /** `auto`: a shared screen with cameras beside it if there is one, else a grid. */
  layout?: "auto" | "grid" | "speaker" | "screen";
  /** Whether names are shown. */
  show_names?: boolean;
  /** Who is shown large in `speaker`. */
  spotlight?: string | null;
  /** A title over the picture. */
  title?: string;
  /** What is written while nobody's camera is on. */
  slate?: string;
  /** A PNG file in Base64, shown in a corner. */
  logo?: string | null;
}

/** The picture of the live streams is made in another way; goes to everybody. */
export interface LivePictureChanged {
  /** How it is made; without the logo. */
  picture: LivePicture;
  /** Who changed it. */
  changed_by: string;
}

/** A client changes the picture of the live streams under way; what it does not name stays. Needs `can_record`. */
export interface LivePictureRequest {
  /** How it is to be. */
  picture: LivePicture;
}

/** A client sends the room to an RTMP server, to HLS viewers of this server, or both. Needs `can_record`. Streams of one quality share one encoding. Who controls live streams is told by `live-stream-start`. */
export interface LiveStartRequest {
  /** An `rtmp://` or `rtmps://` address without user name and key; empty: the platform's own, and for `custom` none. */
  stream_url?: string;
  /** The key; never told or logged, and stored only encrypted. */
  stream_key?: string;
  /** Whose service that is. */
  platform?: Platform;
  /** Id of the broadcast's video (YouTube) or login name (Twitch): to tell how many watch there. */
  channel?: string;
  /** Size of the picture. */
  quality?: "1080p" | "720p" | "480p";
  /** Lets viewers watch by HLS. */
  hls?: LiveHls | null;
  /** How the picture is made; absent: as that of the streams that run. */
  picture?: LivePicture | null;
}

/** A live stream starts, or its status has changed; goes to everybody. */
export interface LiveStarted {
  /** Identifies the live stream. */
  stream_id: string;
  /** Its room. */
  room_id: string;
  /** The RTMP server it goes to; empty: to none. */
  stream_url: string;
  /** Whose service that is. */
  platform: Platform;
  /** Who started it. */
  started_by: string;
  /** When, ISO 8601 in UTC. */
  started_at: string;
  /** How far it is. */
  status: LiveStatus;
  /** Of the latest trouble, for people. */
  reason: string | null;
  /** How many watch, as far as it is known. */
  viewer_count: number;
  /** Size of the picture. */
  quality: "1080p" | "720p" | "480p";
  /** How the picture is made; without the logo. */
  picture: LivePicture;
  /** How viewers can watch by HLS; null: they cannot. */
  hls: LiveHls | null;
  /** The multivariant playlist, below this server's address. */
  hls_url: string | null;
  /** The watch page, below this server's address. */
  watch_url: string | null;
  /** How it is carried. */
  health: LiveHealth;
  /** When it ended. */
  stopped_at: string | null;
  /** Who ended it; null: the operator, or it ended by itself. */
  stopped_by: string | null;
}

/** How far a live stream is. */
export type LiveStatus = "starting" | "connecting" | "live" | "reconnecting" | "stopping" | "stopped" | "failed";

/** A client ends a live stream. Needs `can_record`. */
export interface LiveStopRequest {
  /** Which. */
  stream_id: string;
}

/** A live stream has ended; goes to everybody. */
export interface LiveStopped {
  /** Identifies the live stream. */
  stream_id: string;
  /** Its room. */
  room_id: string;
  /** The RTMP server it goes to; empty: to none. */
  stream_url: string;
  /** Whose service that is. */
  platform: Platform;
  /** Who started it. */
  started_by: string;
  /** When, ISO 8601 in UTC. */
  started_at: string;
  /** How far it is. */
  status: LiveStatus;
  /** Of the latest trouble, for people. */
  reason: string | null;
  /** How many watch, as far as it is known. */
  viewer_count: number;
  /** Size of the picture. */
  quality: "1080p" | "720p" | "480p";
  /** How the picture is made; without the logo. */
  picture: LivePicture;
  /** How viewers can watch by HLS; null: they cannot. */
  hls: LiveHls | null;
  /** The multivariant playlist, below this server's address. */
  hls_url: string | null;
  /** The watch page, below this server's address. */
  watch_url: string | null;
  /** How it is carried. */
  health: LiveHealth;
  /** When it ended. */
  stopped_at: string | null;
  /** Who ended it; null: the operator, or it ended by itself. */
  stopped_by: string | null;
}

/** The metadata of a live stream; never its key. */
export interface LiveStreamInfo {
  /** Identifies the live stream. */
  stream_id: string;
  /** Its room. */
  room_id: string;
  /** The RTMP server it goes to; empty: to none. */
  stream_url: string;
  /** Whose service that is. */
  platform: Platform;
  /** Who started it. */
  started_by: string;
  /** When, ISO 8601 in UTC. */
  started_at: string;
  /** How far it is. */
  status: LiveStatus;
  /** Of the latest trouble, for people. */
  reason: string | null;
  /** How many watch, as far as it is known. */
  viewer_count: number;
  /** Size of the picture. */
  quality: "1080p" | "720p" | "480p";
  /** How the picture is made; without the logo. */
  picture: LivePicture;
  /** How viewers can watch by HLS; null: they cannot. */
  hls: LiveHls | null;
  /** The multivariant playlist, below this server's address. */
  hls_url: string | null;
  /** The watch page, below this server's address. */
  watch_url: string | null;
  /** How it is carried. */
  health: LiveHealth;
  /** When it ended. */
  stopped_at: string | null;
  /** Who ended it; null: the operator, or it ended by itself. */
  stopped_by: string | null;
}

/** What of a participant can be heard and seen now; goes to everybody, the participant too. */
export interface MediaControl {
  /** Whose tracks. */
  user_id: string;
  /** Whether the microphone is on. */
  audio_enabled: boolean;
  /** Whether the camera is on. */
  video_enabled: boolean;
  /** Whether a screen is shared. */
  screen_sharing: boolean;
}

/** A client switches its own tracks, or a moderator somebody else's off. */
export interface MediaControlRequest {
  /** Microphone on or off; absent: as it was. */
  audio_enabled?: boolean | null;
  /** Camera on or off; absent: as it was. */
  video_enabled?: boolean | null;
  /** Screen on or off; absent: as it was. */
  screen_sharing?: boolean | null;
  /** Whose tracks; absent: one's own. Another's can only be switched off. */
  user_id?: string | null;
}

/** What a subscriber wants in all. */
export type Mode = "auto" | "data-saver" | "audio-only";

/** What a client measured itself, by `getStats`; every ten seconds is enough. The server judges by its own measurements; it takes the client's round trip where it has none of its own. */
export interface NetworkStatsRequest {
  /** Video, kbit/s. */
  bitrate_video?: number | null;
  /** Audio, kbit/s. */
  bitrate_audio?: number | null;
  /** Both, kbit/s. */
  bitrate_total?: number | null;
  /** Packets lost, %. */
  packet_loss?: number | null;
  /** Jitter, ms. */
  jitter?: number | null;
  /** Round trip, ms. */
  rtt?: number | null;
}

/** A client offers on its publish transport. */
export interface OfferRequest {
  /** Which Transport; absent with `target_user_id`. */
  transport?: Leg | null;
  /** Passed on untouched to this participant, for data channels between the two. */
  target_user_id?: string | null;
  /** The session description. */
  sdp: string;
  /** The source of each sending media section, by its mid. */
  tracks?: Record<string, TrackSource>;
}

/** The enhanced information on a participant. */
export interface ParticipantInfo {
  /** The token's `sub`: the only identity. */
  username: string;
  /** Name to show. */
  display_name: string;
  /** Picture to show. */
  avatar_url: string | null;
  /** `excellent`, `good`, `fair` or `poor`; null until it is measured. */
  connection_quality: string | null;
  /** Whether it is speaking now. */
  is_speaking: boolean;
  /** Loudness, 0.0 to 1.0. */
  audio_level: number;
  /** Whether its hand is raised. */
  is_hand_raised: boolean;
  /** Its role. */
  role: Role;
  /** When it joined, ISO 8601 in UTC. */
  joined_at: string;
  /** Whether its microphone can be heard. */
  audio_enabled: boolean;
  /** Whether its camera can be seen. */
  video_enabled: boolean;
  /** Whether it shares a screen. */
  screen_sharing: boolean;
  /** What is shown behind it; null: it has not said. */
  virtual_background: VirtualBackground | null;
  /** In which breakout room it is; null: in the main room. Of those elsewhere, what can be heard and seen is not kept up to date. */
  breakout_room_id: string | null;
}

/** What is shown of a participant has changed; goes to everybody. */
export interface ParticipantUpdate {
  /** The token's `sub`: the only identity. */
  username: string;
  /** Name to show. */
  display_name: string;
  /** Picture to show. */
  avatar_url: string | null;
  /** `excellent`, `good`, `fair` or `poor`; null until it is measured. */
  connection_quality: string | null;
  /** Whether it is speaking now. */
  is_speaking: boolean;
  /** Loudness, 0.0 to 1.0. */
  audio_level: number;
  /** Whether its hand is raised. */
  is_hand_raised: boolean;
  /** Its role. */
  role: Role;
  /** When it joined, ISO 8601 in UTC. */
  joined_at: string;
  /** Whether its microphone can be heard. */
  audio_enabled: boolean;
  /** Whether its camera can be seen. */
  video_enabled: boolean;
  /** Whether it shares a screen. */
  screen_sharing: boolean;
  /** What is shown behind it; null: it has not said. */
  virtual_background: VirtualBackground | null;
  /** In which breakout room it is; null: in the main room. Of those elsewhere, what can be heard and seen is not kept up to date. */
  breakout_room_id: string | null;
  /** The same as `username`. */
  user_id: string;
  /** Who changed it. */
  updated_by: string | null;
}

/** Change what is shown of oneself; who manages participants may change the name of others. */
export interface ParticipantUpdateRequest {
  /** Whom to rename; absent: oneself. */
  user_id?: string | null;
  /** Name to show; absent: as it was. */
  display_name?: string | null;
  /** Picture to show, an http(s) address or a path; empty: none; absent: as it was. */
  avatar_url?: string | null;
}

/** One direction between a participant and the server, as the server measures it. */
export interface PathQuality {
  /** What this direction alone is worth just now. */
  quality_level: "excellent" | "good" | "fair" | "poor";
  /** Video, kbit/s. */
  bitrate_video: number;
  /** Audio, kbit/s. */
  bitrate_audio: number;
  /** Both, kbit/s. */
  bitrate_total: number;
  /** Packets lost of the last seconds, %; null: not known yet. */
  packet_loss: number | null;
  /** Jitter, ms; null: not known yet. */
  jitter: number | null;
  /** Round trip, ms; null: not known. */
  rtt: number | null;
}

/** Permissions to give (true) or to take (false); the others stay. */
export interface PermissionChanges {
  /** Publish a screen and its sound. */
  can_share_screen?: boolean | null;
  /** Publish a microphone. */
  can_share_audio?: boolean | null;
  /** Publish a camera. */
  can_share_video?: boolean | null;
  /** Write to the chat. */
  can_send_chat?: boolean | null;
  /** Send reactions. */
  can_use_reactions?: boolean | null;
  /** Start and stop recordings. */
  can_record?: boolean | null;
  /** Mute others and manage the room. */
  can_manage_participants?: boolean | null;
}

/** Give or take permissions of a participant or guest; the host may also those of moderators. One gives only what one has, and `can_manage_participants` only the host gives or takes. */
export interface PermissionUpdateRequest {
  /** Whose permissions. */
  user_id: string;
  /** Those to change. */
  permissions: PermissionChanges;
}

/** A participant's permissions changed. */
export interface PermissionUpdated {
  /** Whose permissions. */
  user_id: string;
  /** All seven, as they are now. */
  permissions: Permissions;
  /** Who changed them; null: the server. */
  updated_by: string | null;
}

/** The seven permissions of a participant. */
export interface Permissions {
  /** Publish a screen and its sound. */
  can_share_screen: boolean;
  /** Publish a microphone. */
  can_share_audio: boolean;
  /** Publish a camera. */
  can_share_video: boolean;
  /** Write to the chat. */
  can_send_chat: boolean;
  /** Send reactions. */
  can_use_reactions: boolean;
  /** Start and stop recordings. */
  can_record: boolean;
  /** Mute others and manage the room. */
  can_manage_participants: boolean;
}

/** Where a live stream goes. */
export type Platform = "youtube" | "twitch" | "custom";

/** What a client wants to receive. Only what has changed needs to be sent; the rest stays as it was. A client that never sends this is taken to see everything, at any size. */
export interface PreferencesRequest {
  /** `data-saver`: the least of each video; `audio-only`: no video at all. At first: `auto`. */
  mode?: Mode | null;
  /** Wishes, by publication. */
  tracks?: Record<string, TrackWish>;
}

/** What a participant announces: one track. */
export interface PublicationInfo {
  /** Identifies the track in this room. */
  publication_id: string;
  /** Username of the publisher. */
  user_id: string;
  /** What it shows. */
  source: Source;
  /** Its medium. */
  kind: Kind;
  /** Whether nothing of it is forwarded now. */
  muted: boolean;
}

/** The server answers on the publish transport. */
export interface PublishAnswer {
  /** Always `publish`. */
  transport: Leg;
  /** The session description. */
  sdp: string;
  /** All tracks the client publishes now. */
  publications: Array<PublicationInfo>;
}

/** Which encodings of a track anybody wants: the publisher should send those and no others. Until this comes for a track, all its encodings are wanted. */
export interface PublishLayers {
  /** The track. */
  publication_id: string;
  /** Whether each encoding is wanted, by RID; a track without RIDs has one entry, under an empty name. */
  layers: Record<string, boolean>;
}

/** The highest layer a subscriber wants of a video: the best there is, one below, the least, or none. */
export type Quality = "auto" | "high" | "medium" | "low" | "off";

/** How good a participant's connection is: to the room when the level changes, to itself every five seconds. */
export interface QualityUpdate {
  /** Whose connection. */
  user_id: string;
  /** The level; it changes only when the figures stay changed. */
  quality_level: "excellent" | "good" | "fair" | "poor";
  /** From the participant to the server; null: it sends no media. */
  uplink: PathQuality | null;
  /** From the server to the participant; null: it gets no media. */
  downlink: PathQuality | null;
  /** Whether a media connection was there and is not just now. */
  interrupted: boolean;
  /** What would help, one sentence in English for the participant. */
  recommendation: string;
  /** The same as a stable code, for translations. */
  recommendation_code: Advice;
}

/** One raised hand. */
export interface RaisedHand {
  /** Whose hand. */
  username: string;
  /** The same. */
  user_id: string;
  /** Since when, ISO 8601 in UTC. */
  raised_at: string;
  /** Place in the queue: 1 is next. */
  position: number;
}

/** A participant has gone on to its next key. Goes to the others, or to the one it is for; nothing of it is kept. */
export interface RatchetUpdate {
  /** Who. */
  user_id: string;
  /** Base64. */
  ratchet_key: string;
  /** How many steps the ratchet has gone. */
  chain_index: number;
  /** When, by the server's clock, ISO 8601 in UTC. */
  timestamp: string;
  /** Whom it is for; null: everybody. */
  target_user_id: string | null;
}

/** A client has gone on to its next key. What it sends is for its receivers alone to use: a public ratchet key, or a key that is encrypted for them. */
export interface RatchetUpdateRequest {
  /** Base64, 32 to 512 bytes. */
  ratchet_key: string;
  /** How many steps the ratchet has gone. */
  chain_index: number;
  /** Only for this participant; absent: everybody. */
  target_user_id?: string | null;
}

/** Somebody reacts. Goes to everybody in the same breakout or main room, who reacts too, and is shown for `duration_ms`; nothing of it is kept. */
export interface Reaction {
  /** Who reacts. */
  user_id: string;
  /** The same. */
  username: string;
  /** The emoji. */
  reaction_type: string;
  /** When, by the server's clock, ISO 8601 in UTC. */
  timestamp: string;
  /** How long it is shown. */
  duration_ms: number;
}

/** A client reacts. Needs `can_use_reactions` and the setting `enable_reactions`. */
export interface ReactionRequest {
  /** Exactly one emoji. */
  reaction_type: string;
}

/** How far somebody has read a conversation. */
export interface ReadPosition {
  /** Who has read. */
  user_id: string;
  /** The newest message that was read. */
  message_id: string;
  /** The other one of a direct conversation, as the receiver sees it; null: the room. */
  target_user_id: string | null;
}

/** A recording has changed; goes to everybody. Addresses of files are told by REST. */
export interface RecordingChanged {
  /** Identifies the recording. */
  recording_id: string;
  /** Its room. */
  room_id: string;
  /** Who started it; null: the room's setting did. */
  started_by: string | null;
  /** When, ISO 8601 in UTC. */
  started_at: string;
  /** How far it is. */
  status: RecordingStatus;
  /** What is recorded. */
  mode: string;
  /** Whether there are no pictures. */
  audio_only: boolean;
  /** When it was stopped. */
  stopped_at: string | null;
  /** Who stopped it; null: the operator, or it stopped by itself. */
  stopped_by: string | null;
  /** `asked`, `room_closed`, `server_stop`, `max_duration`, `max_size`, `storage_failed`, `server_gone` or `moved` (the room's new server could not go on with it). */
  stop_reason: string | null;
  /** What is wrong: `storage_failed` or `media_failed`. */
  error_code: string | null;
  /** The same for people. */
  error_message: string | null;
  /** Its length, while it runs the length so far. */
  duration_s: number;
  /** The size of its files, while it runs the size so far. */
  size_bytes: number;
  /** What it costs now: share of one processor core. */
  cpu: number;
  /** What it costs now: memory. */
  memory_bytes: number;
  /** How often it had to begin anew; the parts are joined at the end. */
  parts: number;
  /** Whether the storage has not taken all of it yet; that is tried again by itself. */
  upload_pending: boolean;
  /** What was recorded. */
  files: Array<RecordingFile>;
}

/** A client starts or stops a recording. Needs `can_record`, and for starting the setting `enable_recording`. Who controls recordings is told by `recording-status`. */
export interface RecordingControl {
  /** What to do. */
  action: "start" | "stop";
  /** For `start`. */
  options?: RecordingOptions;
  /** Which to stop. */
  recording_id?: string | null;
}

/** A file of a recording. */
export interface RecordingFile {
  /** Its name. */
  name: string;
  /** `program`, `track`, `chapters` (WebVTT), `poster`, `previews` (one picture of many), `preview` (WebVTT with their places in it), `chat` or `manifest` (JSON). */
  kind: string;
  /** Its media type. */
  content_type: string;
  /** Its size. */
  size_bytes: number;
  /** Its length in seconds. */
  duration_s: number | null;
  /** Where its beginning lies in the recording, in seconds. */
  offset_s: number;
  /** Whose track it is. */
  user_id: string | null;
  /** Which of that participant's tracks. */
  source: string | null;
  /** Where to get it, for a while; null: not for you. */
  download_url: string | null;
  /** Where to play it, for a while; ranges are answered. */
  stream_url: string | null;
}

/** The metadata of a recording. */
export interface RecordingInfo {
  /** Identifies the recording. */
  recording_id: string;
  /** Its room. */
  room_id: string;
  /** Who started it; null: the room's setting did. */
  started_by: string | null;
  /** When, ISO 8601 in UTC. */
  started_at: string;
  /** How far it is. */
  status: RecordingStatus;
  /** What is recorded. */
  mode: string;
  /** Whether there are no pictures. */
  audio_only: boolean;
  /** When it was stopped. */
  stopped_at: string | null;
  /** Who stopped it; null: the operator, or it stopped by itself. */
  stopped_by: string | null;
  /** `asked`, `room_closed`, `server_stop`, `max_duration`, `max_size`, `storage_failed`, `server_gone` or `moved` (the room's new server could not go on with it). */
  stop_reason: string | null;
  /** What is wrong: `storage_failed` or `media_failed`. */
  error_code: string | null;
  /** The same for people. */
  error_message: string | null;
  /** Its length, while it runs the length so far. */
  duration_s: number;
  /** The size of its files, while it runs the size so far. */
  size_bytes: number;
  /** What it costs now: share of one processor core. */
  cpu: number;
  /** What it costs now: memory. */
  memory_bytes: number;
  /** How often it had to begin anew; the parts are joined at the end. */
  parts: number;
  /** Whether the storage has not taken all of it yet; that is tried again by itself. */
  upload_pending: boolean;
  /** What was recorded. */
  files: Array<RecordingFile>;
}

/** What is to be recorded, and how. */
export interface RecordingOptions {
  /** The composed room in one file, each publication in its own, or both. */
  mode?: "program" | "tracks" | "both";
  /** How the program is composed; `auto`: by what is shared. */
  layout?: "auto" | "grid" | "speaker" | "screen";
  /** Size of the picture. */
  quality?: "1080p" | "720p" | "480p";
  /** Bitrate of the picture; null: what fits its size. */
  bitrate_kbps?: number | null;
  /** No pictures. */
  audio_only?: boolean;
  /** Of the program: MP4 with H.264 and AAC, or WebM with VP8 and Opus. */
  container?: "mp4" | "webm";
  /** Usernames of those who are recorded; null: everybody. */
  participants?: Array<string> | null;
  /** Template of the files' keys in place of the server's, with `{room}`, `{recording_id}`, `{date}`, `{time}` and, at the end, `{name}`. */
  file_name?: string | null;
  /** Folder in the storage, such as `team-a/`. */
  storage_prefix?: string;
  /** Keep the public chat in a file as well. */
  chat?: boolean;
  /** Stop after so many minutes; the server's limit holds as well. */
  max_duration_min?: number | null;
}

/** How far a recording is. */
export type RecordingStatus = "starting" | "recording" | "stopping" | "stopped" | "failed";

/** Another participant's answer. */
export interface RelayedAnswer {
  /** Who wrote it, stamped by the server. */
  user_id: string;
  /** Whom it is for. */
  target_user_id: string;
  /** The session description. */
  sdp: string;
  [further: string]: unknown;
}

/** Another participant's candidate; null says that there are no more. */
export interface RelayedCandidate {
  /** Who wrote it, stamped by the server. */
  user_id: string;
  /** Whom it is for. */
  target_user_id: string;
  /** The candidate. */
  candidate: CandidateInit | null;
  [further: string]: unknown;
}

/** Another participant's offer of a connection between the two. */
export interface RelayedOffer {
  /** Who wrote it, stamped by the server. */
  user_id: string;
  /** Whom it is for. */
  target_user_id: string;
  /** The session description. */
  sdp: string;
  [further: string]: unknown;
}

/** What a participant is in a room. */
export type Role = "host" | "moderator" | "participant" | "guest";

/** Give a role. Only the host makes hosts and moderators, or changes theirs; making a host hands the room over: the old host becomes moderator. Who manages participants may make participants of guests and the reverse. */
export interface RoleUpdateRequest {
  /** Whose role. */
  user_id: string;
  /** The new role. */
  role: Role;
}

/** A participant's role changed. */
export interface RoleUpdated {
  /** Whose role. */
  user_id: string;
  /** The new role. */
  role: Role;
  /** Who changed it; null: the server. */
  updated_by: string | null;
}

/** The room goes on at another server; the last message before the WebSocket is closed with 1012. A client connects again at once, to the same address, naming its session. What it sent and got no answer to it sends again when `room-state` says `continued`. Its old peer connections work for `overlap_ms` still: new ones first. */
export interface RoomMoved {
  /** `drain`: the server is emptied; `moved`: an operator wanted it. */
  reason: string;
  /** How long the old peer connections go on working. */
  overlap_ms: number;
}

/** The eight settings of a room. */
export interface RoomSettings {
  /** Refuse everybody who is not in the room yet. */
  lock_room: boolean;
  /** Newcomers wait until they are admitted. */
  enable_waiting_room: boolean;
  /** Microphones of newcomers start muted. */
  mute_on_entry: boolean;
  /** Chat messages are passed on. */
  enable_chat: boolean;
  /** Reactions are passed on. */
  enable_reactions: boolean;
  /** The room is full at this number. */
  max_participants: number;
  /** Recordings may be started. */
  enable_recording: boolean;
  /** The room is recorded whenever somebody is in it, without being asked to. */
  automatic_recording: boolean;
  /** A newcomer needs the approval of the host. */
  require_host_approval: boolean;
  /** Newcomers see what was written before they came. */
  chat_history: boolean;
}

/** The first message after a join: everything a client needs to draw the room. */
export interface RoomState {
  /** The room. */
  room_id: string;
  /** This session. */
  session_id: string;
  /** The receiver's own username. */
  user_id: string;
  /** The receiver's own role. */
  role: Role;
  /** The receiver's own permissions. */
  permissions: Permissions;
  /** The room's settings. */
  settings: RoomSettings;
  /** All participants, the receiver too, in order of joining. */
  participants: Array<ParticipantInfo>;
  /** All tracks where the receiver is: in its breakout room, or in the main room. */
  publications: Array<PublicationInfo>;
  /** In which breakout room the receiver is; null: in the main room. */
  breakout_room_id: string | null;
  /** All breakout rooms. */
  breakout_rooms: Array<BreakoutInfo>;
  /** Raised hands, first in first out. */
  hand_raise_queue: Array<RaisedHand>;
  /** Who waits to be admitted; only told to who manages participants. */
  waiting_room: Array<WaitingInfo>;
  /** Recordings under way: whoever joins has to be told that it is recorded. */
  recordings: Array<RecordingInfo>;
  /** Live streams under way. */
  live_streams: Array<LiveStreamInfo>;
  /** File transfers under way from and to the receiver. */
  file_transfers: Array<TransferInfo>;
  /** STUN and TURN servers for the peer connections. */
  ice_servers: Array<IceServerInfo>;
  /** How often the client sends a heartbeat. */
  heartbeat_interval_ms: number;
  /** What this server can do. */
  features: Record<string, boolean>;
  /** This session takes the place of the one that was named: messages that were not answered may be sent again with their ids, and are not done twice. */
  continued: boolean;
}

/** The same fields, after a screen share started or stopped. */
export interface ScreenShareControl {
  /** Whose tracks. */
  user_id: string;
  /** Whether the microphone is on. */
  audio_enabled: boolean;
  /** Whether the camera is on. */
  video_enabled: boolean;
  /** Whether a screen is shared. */
  screen_sharing: boolean;
}

/** The same fields, for starting and stopping a screen share. */
export interface ScreenShareRequest {
  /** Microphone on or off; absent: as it was. */
  audio_enabled?: boolean | null;
  /** Camera on or off; absent: as it was. */
  video_enabled?: boolean | null;
  /** Screen on or off; absent: as it was. */
  screen_sharing?: boolean | null;
  /** Whose tracks; absent: one's own. Another's can only be switched off. */
  user_id?: string | null;
}

/** The first message on a WebSocket that continues a session; `room-state` comes instead when that cannot be done. It carries the `seq` that the client said it has, and is not counted itself: what was missed follows, each message once, in order, with the numbers it had. */
export interface SessionResumed {
  /** The session that goes on. */
  session_id: string;
  /** How many messages follow that were missed. */
  replayed: number;
}

/** The settings have changed; all of them as they are now. Goes to everybody. */
export interface SettingsUpdate {
  /** Refuse everybody who is not in the room yet. */
  lock_room: boolean;
  /** Newcomers wait until they are admitted. */
  enable_waiting_room: boolean;
  /** Microphones of newcomers start muted. */
  mute_on_entry: boolean;
  /** Chat messages are passed on. */
  enable_chat: boolean;
  /** Reactions are passed on. */
  enable_reactions: boolean;
  /** The room is full at this number. */
  max_participants: number;
  /** Recordings may be started. */
  enable_recording: boolean;
  /** The room is recorded whenever somebody is in it, without being asked to. */
  automatic_recording: boolean;
  /** A newcomer needs the approval of the host. */
  require_host_approval: boolean;
  /** Newcomers see what was written before they came. */
  chat_history: boolean;
  /** Who changed them. */
  updated_by: string;
}

/** Change settings; those that are absent stay. Needs `can_manage_participants`; only the host changes `require_host_approval`. */
export interface SettingsUpdateRequest {
  /** Refuse everybody who is not in the room yet. */
  lock_room?: boolean | null;
  /** Newcomers wait until a host or moderator admits them; off: all who wait come in. */
  enable_waiting_room?: boolean | null;
  /** Microphones of newcomers start muted. */
  mute_on_entry?: boolean | null;
  /** Chat messages are passed on. */
  enable_chat?: boolean | null;
  /** Reactions are passed on. */
  enable_reactions?: boolean | null;
  /** The room is full at this number; nobody is sent away by it. */
  max_participants?: number | null;
  /** Recordings may be started. */
  enable_recording?: boolean | null;
  /** The room is recorded whenever somebody is in it. */
  automatic_recording?: boolean | null;
  /** Newcomers wait until the host admits them; moderators cannot. */
  require_host_approval?: boolean | null;
  /** Newcomers see what was written before they came. */
  chat_history?: boolean | null;
}

/** What a publication shows or lets hear. */
export type Source = "camera" | "microphone" | "screen" | "screen-audio";

/** How loud somebody is. */
export interface SpeakerLevel {
  /** Who. */
  user_id: string;
  /** Loudness, 0.0 to 1.0. */
  audio_level: number;
}

/** The server offers on the subscribe transport; the next one comes only after the answer. */
export interface SubscribeOffer {
  /** Always `subscribe`. */
  transport: Leg;
  /** The session description. */
  sdp: string;
  /** What each media section carries, by its mid. */
  tracks: Record<string, SubscribedTrack>;
}

/** What a media section of a subscribe offer carries. */
export interface SubscribedTrack {
  /** The publication. */
  publication_id: string;
  /** Its publisher. */
  user_id: string;
  /** What it shows. */
  source: Source;
  /** Its medium. */
  kind: Kind;
}

/** What a subscriber gets and why: when that changes, at most each second. */
export interface SubscriptionStatus {
  /** What the path to the client carries; null: not known (yet). */
  estimate_bps: number | null;
  /** What the estimate is limited by; null: not known (yet). */
  limited_by: string | null;
  /** What the client asked for. */
  mode: Mode;
  /** All tracks the client receives, by publication. */
  tracks: Record<string, TrackStatus>;
}

/** Somebody else publishes a track; the offer that carries it follows by itself. */
export interface TrackPublished {
  /** The track. */
  publication: PublicationInfo;
}

/** What a media section of a publish offer carries. */
export interface TrackSource {
  /** What it shows. */
  source: Source;
}

/** What becomes of one track that a subscriber receives. */
export interface TrackStatus {
  /** The best layer that fits the wish; null: none, or sound. */
  preferred: LayerInfo | null;
  /** The layer that is to be sent; null: none, or sound. */
  target: LayerInfo | null;
  /** The layer that is being sent; null: none, or sound. */
  current: LayerInfo | null;
  /** Whether nothing is to be sent just now. */
  paused: boolean;
  /** Why it is paused, or why less than preferred is sent: `hidden`, `off`, `mode`, `bandwidth`, `muted`, `apart`, `not-loudest`, `no-media` (its publisher sends nothing), `switching`; null: no reason. */
  reason: string | null;
}

/** A track has ended. */
export interface TrackUnpublished {
  /** The track. */
  publication_id: string;
  /** Whose it was. */
  user_id: string;
  /** What it showed. */
  source: Source;
}

/** What is wanted of one track; what is absent stays as it was. */
export interface TrackWish {
  /** Whether it can be seen just now. At first: true. */
  visible?: boolean | null;
  /** How wide it is shown, in device pixels; 0: not told. */
  width?: number | null;
  /** How high it is shown, in device pixels; 0: not told. */
  height?: number | null;
  /** The best layer that is wanted; `off`: none at all. */
  quality?: Quality | null;
  /** Whether it comes before all other video. */
  pinned?: boolean | null;
}

/** A transfer, as the two it is between are told of it. */
export interface TransferInfo {
  /** Identifies the transfer in this room. */
  transfer_id: string;
  /** Who sends the file. */
  sender_id: string;
  /** Who gets it. */
  receiver_id: string;
  /** Its name. */
  file_name: string;
  /** Its size in bytes. */
  file_size: number;
  /** Its media type, as the sender says. */
  file_type: string;
  /** SHA-256 of the whole file in hex, once the sender has told it. */
  checksum: string | null;
  /** How much the receiver has written. */
  bytes_transferred: number;
  /** The same in percent. */
  progress_percentage: number;
  /** How far it is. */
  status: TransferStatus;
  /** When it was offered, ISO 8601 in UTC. */
  offered_at: string;
  /** Why it was rejected, cancelled, or has failed. */
  reason: string | null;
}

/** How far a transfer is. */
export type TransferStatus = "offered" | "accepted" | "progress" | "complete" | "rejected" | "cancelled" | "failed";

/** Let somebody in again. */
export interface UnbanRequest {
  /** Whom. */
  user_id: string;
}

/** The receiver is asked to switch its microphone or camera on; goes to it alone. */
export interface UnmuteAsked {
  /** Who is asked: the receiver. */
  user_id: string;
  /** Who asks. */
  requested_by: string;
  /** Asks for the microphone. */
  audio: boolean;
  /** Asks for the camera. */
  video: boolean;
}

/** Who manages participants asks one to switch its microphone or camera on; nobody else can. */
export interface UnmuteRequest {
  /** Who is asked. */
  user_id: string;
  /** Asks for the microphone. */
  audio?: boolean;
  /** Asks for the camera. */
  video?: boolean;
}

/** Somebody joined; goes to the others. */
export interface UserJoined {
  /** The token's `sub`: the only identity. */
  username: string;
  /** Name to show. */
  display_name: string;
  /** Picture to show. */
  avatar_url: string | null;
  /** `excellent`, `good`, `fair` or `poor`; null until it is measured. */
  connection_quality: string | null;
  /** Whether it is speaking now. */
  is_speaking: boolean;
  /** Loudness, 0.0 to 1.0. */
  audio_level: number;
  /** Whether its hand is raised. */
  is_hand_raised: boolean;
  /** Its role. */
  role: Role;
  /** When it joined, ISO 8601 in UTC. */
  joined_at: string;
  /** Whether its microphone can be heard. */
  audio_enabled: boolean;
  /** Whether its camera can be seen. */
  video_enabled: boolean;
  /** Whether it shares a screen. */
  screen_sharing: boolean;
  /** What is shown behind it; null: it has not said. */
  virtual_background: VirtualBackground | null;
  /** In which breakout room it is; null: in the main room. Of those elsewhere, what can be heard and seen is not kept up to date. */
  breakout_room_id: string | null;
}

/** Somebody left; goes to the others. */
export interface UserLeft {
  /** Who left. */
  username: string;
  /** `left`, `disconnected`, `timeout`, `media_failed`, `flooded`, `kicked` or `banned`. */
  reason: string;
}

/** The virtual background of a participant. */
export interface VirtualBackground {
  /** Whether it is on. */
  enabled: boolean;
  /** What is behind the participant. */
  background_type: BackgroundType;
  /** The picture or film; null where it is on the participant's own machine. */
  background_url: string | null;
}

/** What somebody in the waiting room waits for. */
export type WaitReason = "approval" | "no_host" | "capacity";

/** What became of one who waits. */
export type WaitStatus = "waiting" | "admitted" | "rejected";

/** Somebody was let in. Goes to who waited, whose `room-state` follows, and to hosts and moderators. */
export interface WaitingAdmit {
  /** Whom it is about. */
  user_id: string;
  /** The same. */
  username: string;
  /** Its name to show. */
  display_name: string;
  /** Since when it waited, ISO 8601 in UTC. */
  joined_waiting_at: string;
  /** `admitted`. */
  status: WaitStatus;
  /** Null. */
  reason: string | null;
}

/** A host or moderator lets somebody in; where `require_host_approval` is set, only the host may. */
export interface WaitingAdmitRequest {
  /** One who waits. */
  user_id?: string | null;
  /** Several who wait. */
  user_ids?: Array<string> | null;
  /** All who wait. */
  all?: boolean;
}

/** Somebody in the waiting room. */
export interface WaitingInfo {
  /** Who waits. */
  user_id: string;
  /** The same. */
  username: string;
  /** Name to show. */
  display_name: string;
  /** Picture to show. */
  avatar_url: string | null;
  /** Since when, ISO 8601 in UTC. */
  joined_waiting_at: string;
  /** `waiting`. */
  status: WaitStatus;
  /** Place in the queue: 1 is next. */
  position: number;
  /** What it waits for: `approval` of a host or moderator, `no_host`: that a host comes, `capacity`: a free place. */
  reason: WaitReason;
}

/** Somebody waits. Goes to who waits, first of all and whenever its position or reason changes, and to hosts and moderators. The same socket goes on with `waiting-room-admit` and `room-state`, or ends with `waiting-room-reject`. */
export interface WaitingJoin {
  /** Who waits. */
  user_id: string;
  /** The same. */
  username: string;
  /** Name to show. */
  display_name: string;
  /** Picture to show. */
  avatar_url: string | null;
  /** Since when, ISO 8601 in UTC. */
  joined_waiting_at: string;
  /** `waiting`. */
  status: WaitStatus;
  /** Place in the queue: 1 is next. */
  position: number;
  /** What it waits for: `approval` of a host or moderator, `no_host`: that a host comes, `capacity`: a free place. */
  reason: WaitReason;
  /** The room. */
  room_id: string;
  /** The session; only told to who waits. */
  session_id: string | null;
  /** How often who waits sends a heartbeat; only told to it. */
  heartbeat_interval_ms: number | null;
}

/** One who waits asks for its place. */
export type WaitingJoinRequest = Record<string, unknown>;

/** Somebody left the waiting room by itself; goes to hosts and moderators. */
export interface WaitingLeft {
  /** Who. */
  user_id: string;
  /** `left`, `disconnected` or `timeout`. */
  reason: string;
}

/** Somebody was turned away. Goes to who waited, whose socket is closed with 4403 `rejected`, and to hosts and moderators. */
export interface WaitingReject {
  /** Whom it is about. */
  user_id: string;
  /** The same. */
  username: string;
  /** Its name to show. */
  display_name: string;
  /** Since when it waited, ISO 8601 in UTC. */
  joined_waiting_at: string;
  /** `rejected`. */
  status: WaitStatus;
  /** Why, in the words of who did it. */
  reason: string | null;
  /** Who did it; only told to hosts and moderators. */
  rejected_by: string | null;
}

/** A host or moderator turns somebody away. */
export interface WaitingRejectRequest {
  /** One who waits. */
  user_id?: string | null;
  /** Several who wait. */
  user_ids?: Array<string> | null;
  /** All who wait. */
  all?: boolean;
  /** Shown to who is turned away. */
  reason?: string | null;
}

/** The answer to `waiting-room-admit` and `waiting-room-reject`. */
export interface WaitingResult {
  /** Who comes in. */
  admitted: Array<string>;
  /** Who was turned away. */
  rejected: Array<string>;
  /** Who was to be admitted, but has to wait for a free place. */
  waiting: Array<string>;
  /** Who does not wait here. */
  not_found: Array<string>;
}

/** Payloads that a client sends, by type. */
export interface ClientPayloads {
  "heartbeat": HeartbeatRequest;
  "leave": LeaveRequest;
  "role-update": RoleUpdateRequest;
  "permission-update": PermissionUpdateRequest;
  "participant-update": ParticipantUpdateRequest;
  "room-settings-update": SettingsUpdateRequest;
  "unmute-request": UnmuteRequest;
  "kick": KickRequest;
  "ban": BanRequest;
  "unban": UnbanRequest;
  "ban-list": BanListRequest;
  "waiting-room-join": WaitingJoinRequest;
  "waiting-room-admit": WaitingAdmitRequest;
  "waiting-room-reject": WaitingRejectRequest;
  "hand-raise": HandRaiseRequest;
  "reaction": ReactionRequest;
  "virtual-background-update": BackgroundRequest;
  "file-share-offer": FileOfferRequest;
  "file-share-accept": FileAcceptRequest;
  "file-share-reject": FileRejectRequest;
  "file-share-progress": FileProgressRequest;
  "file-share-complete": FileCompleteRequest;
  "e2ee-key-exchange": KeyExchangeRequest;
  "e2ee-ratchet-update": RatchetUpdateRequest;
  "recording-control": RecordingControl;
  "live-stream-start": LiveStartRequest;
  "live-stream-stop": LiveStopRequest;
  "live-stream-picture": LivePictureRequest;
  "offer": OfferRequest;
  "answer": AnswerRequest;
  "ice-candidate": CandidateRequest;
  "ice-restart": IceRestartRequest;
  "media-control": MediaControlRequest;
  "screen-share-control": ScreenShareRequest;
  "subscription-preferences": PreferencesRequest;
  "network-stats": NetworkStatsRequest;
  "breakout-room-create": BreakoutCreateRequest;
  "breakout-room-assign": BreakoutAssignRequest;
  "breakout-room-close": BreakoutCloseRequest;
  "chat-message": ChatRequest;
  "chat-edit": ChatEditRequest;
  "chat-delete": ChatDeleteRequest;
  "chat-reaction": ChatReactionRequest;
  "chat-read": ChatReadRequest;
  "chat-typing": ChatTypingRequest;
  "chat-history": ChatHistoryRequest;
  "analytics-event": AnalyticsEventRequest;
}

/** Payloads that the server sends, by type. */
export interface ServerPayloads {
  "room-state": RoomState;
  "session-resumed": SessionResumed;
  "room-moved": RoomMoved;
  "user-joined": UserJoined;
  "user-left": UserLeft;
  "role-updated": RoleUpdated;
  "permission-updated": PermissionUpdated;
  "error": ErrorMessage;
  "ack": Ack;
  "heartbeat": Heartbeat;
  "participant-update": ParticipantUpdate;
  "room-settings-update": SettingsUpdate;
  "unmute-request": UnmuteAsked;
  "kick": Kicked;
  "ban-list": BanList;
  "waiting-room-join": WaitingJoin;
  "waiting-room-admit": WaitingAdmit;
  "waiting-room-reject": WaitingReject;
  "waiting-room-left": WaitingLeft;
  "waiting-room-result": WaitingResult;
  "hand-raise-queue": HandRaiseQueue;
  "reaction": Reaction;
  "virtual-background-update": BackgroundUpdate;
  "file-share-offer": FileOffer;
  "file-share-accept": FileAccept;
  "file-share-reject": FileReject;
  "file-share-progress": FileProgress;
  "file-share-complete": FileComplete;
  "e2ee-key-exchange": KeyExchange;
  "e2ee-ratchet-update": RatchetUpdate;
  "recording-status": RecordingChanged;
  "live-stream-start": LiveStarted;
  "live-stream-stop": LiveStopped;
  "live-stream-picture": LivePictureChanged;
  "live-stream-health": LiveHealthUpdate;
  "offer": SubscribeOffer | RelayedOffer;
  "answer": PublishAnswer | RelayedAnswer;
  "ice-candidate": RelayedCandidate;
  "track-published": TrackPublished;
  "track-unpublished": TrackUnpublished;
  "media-control": MediaControl;
  "screen-share-control": ScreenShareControl;
  "active-speakers": ActiveSpeakers;
  "subscription-status": SubscriptionStatus;
  "publish-layers": PublishLayers;
  "quality-update": QualityUpdate;
  "breakout-room-create": BreakoutCreate;
  "breakout-room-assign": BreakoutAssign;
  "breakout-room-close": BreakoutClose;
  "breakout-room-closing": BreakoutClosing;
  "breakout-room-area": BreakoutArea;
  "chat-message": ChatMessage;
  "chat-edit": ChatEdit;
  "chat-delete": ChatDelete;
  "chat-reaction": ChatReaction;
  "chat-read": ChatRead;
  "chat-typing": ChatTyping;
  "chat-history": ChatHistory;
  "chat-link-preview": ChatLinkPreview;
  "analytics-event": AnalyticsEvent;
}

/** What a client sends. With an `id`, the answer carries it as `reply_to`. */
export type ClientMessage = {
  [T in keyof ClientPayloads]: { type: T; payload: ClientPayloads[T]; id?: string };
}[keyof ClientPayloads];

/** What the server sends. */
export type ServerMessage = {
  [T in keyof ServerPayloads]: {
    type: T;
    payload: ServerPayloads[T];
    /** Username of who caused it; null: the server. */
    sender: string | null;
    /** ISO 8601 in UTC. */
    timestamp: string;
    /** One more with each message of a session. */
    seq: number;
    /** The `id` of the message that this answers. */
    reply_to?: string;
  };
}[keyof ServerPayloads];
