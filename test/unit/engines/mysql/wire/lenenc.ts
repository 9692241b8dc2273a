/** A length as the protocol writes it (MySQL source documentation, "Length-Encoded Integer"). */
export const lenenc = (length: number): Buffer => {
  if (length < 251) return Buffer.from([length]);
  const bytes = Buffer.alloc(9);
  bytes.writeBigUInt64LE(BigInt(length), 1);
  const [mark, width] = length < 0x1_0000 ? [0xfc, 2] : length < 0x100_0000 ? [0xfd, 3] : [0xfe, 8];
  bytes[0] = mark;
  return bytes.subarray(0, 1 + width);
};

/** A row of the text protocol ("Text Resultset Row"). */
export const textRow = (values: readonly (Uint8Array | string | null)[]): Buffer =>
  Buffer.concat(
    values.flatMap(value => {
      if (value === null) return [Buffer.from([0xfb])];
      const bytes = Buffer.from(value as Uint8Array);
      return [lenenc(bytes.length), bytes];
    }),
  );
