const PRINTED: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** A field as the server prints it for COPY: CopyAttributeOutText in src/backend/commands/copyto.c. */
export const printed = (text: string): string => text.replace(/[\b\f\n\r\t\v\\]/g, char => PRINTED[char] ?? '');
