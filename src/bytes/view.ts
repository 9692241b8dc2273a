let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/**
 * The same bytes, to be read in words that need not be aligned. Kept for the last bytes asked for, since many values lie in
 * them; a huge buffer lives on for as long as nothing else is looked at.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    viewed = bytes;
  }
  return view;
}
