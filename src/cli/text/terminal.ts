/** Goes to the beginning of the line and empties it. */
export const eraseLine = "\r\u001B[K";
