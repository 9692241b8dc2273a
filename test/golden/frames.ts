/** Recorded messages in one file: each a big-endian u32 length and its bytes. */
export const writeFrames = (messages: readonly Uint8Array[]): Buffer =>
  Buffer.concat(
    messages.flatMap(message => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(message.length);
      return [length, message];
    }),
  );

export const readFrames = (file: Buffer): Buffer[] => {
  const messages: Buffer[] = [];
  let at = 0;
  while (at < file.length) {
    const end = at + 4 + file.readUInt32BE(at);
    if (end > file.length) throw new Error(`the recording ends within the message at byte ${at}`);
    messages.push(file.subarray(at + 4, end));
    at = end;
  }
  return messages;
};
