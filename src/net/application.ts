/** The name that our sessions have in a server's list of sessions; what they are for may stand behind it. */
export const APPLICATION = 'source-tributary';
