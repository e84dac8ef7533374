/**
 * How it ends, in words: what happened, and what the user can do now.
 * @module
 */

/** @typedef {import("../plenum-client.js").PlenumError} PlenumError */
/** @typedef {{ title: string, text: string, again: string | null }} Ending `again`: the word on the button for another try, if one may help. */

/**
 * @param {Pick<PlenumError, "code" | "sentence" | "details">} error
 * @returns {Ending}
 */
export function endingOf({ code, sentence, details }) {
  const reason = typeof details.reason === "string" && details.reason ? ` The reason given: “${details.reason}”.` : "";
  const by = typeof details.by === "string" && details.by ? details.by : "A host";
  if (code === "permission_denied" && details.banned) return banned(reason);
  switch (code) {
    case "rejected":
      return { title: "You were not let in", text: `The host has turned you away.${reason} Ask them whether this was meant for you before you try again.`, again: "Ask again" };
    case "kicked":
      return { title: "You were taken out of the room", text: `${by} has taken you out of the meeting.${reason}`, again: "Join again" };
    case "banned":
      return banned(reason);
    case "room_locked":
      return { title: "The room is locked", text: "Nobody can join at the moment. Ask somebody inside to unlock the room, then try again.", again: "Try again" };
    case "room_full":
      return { title: "The room is full", text: "There is no place left. Try again when somebody has left.", again: "Try again" };
    case "room_closed":
      return { title: "The meeting has ended", text: "The room was closed for everybody. Joining opens it anew.", again: "Join" };
    case "replaced":
      return { title: "Continued elsewhere", text: "You joined this room from another window or device. You are still in the meeting there.", again: "Use this window" };
    case "duplicate_session":
      return { title: "You are here already", text: sentence, again: "Try again" };
    case "unauthorized":
      return { title: "Your invitation has ended", text: sentence, again: null };
    case "unavailable":
    case "timeout":
      return { title: "The server cannot be reached", text: "Check your network. If others have trouble too, the server may be down for a moment.", again: "Try again" };
    case "permission_denied":
      return { title: "You may not enter", text: "Your invitation is not for this room. Ask for one that is.", again: null };
    default:
      return { title: "This did not work", text: sentence, again: "Try again" };
  }
}

/**
 * @param {string} reason
 * @returns {Ending}
 */
function banned(reason) {
  return { title: "You are banned from this room", text: `You cannot come back while this room is open.${reason}`, again: null };
}
