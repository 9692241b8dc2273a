// Stands for iconv-lite in the bundle: half a megabyte of tables, for which most connections would wait in vain. The package
// itself is a file of its own, loaded when something is asked of it.
/** @typedef {typeof import('iconv-lite')} Iconv */
/** @type {Iconv | undefined} */
let loaded;
/** @returns {Iconv} */
const iconv = () => {
  // Beside the bundle there is a file of this name: the package. Here it is this very file, which the compiler takes it for.
  loaded ??= /** @type {Iconv} */ (/** @type {unknown} */ (require('./iconv-lite.cjs')));
  return loaded;
};
// mysql2's word for utf8mb3, in which the server says its version and the names of columns. Within the characters that
// utf8mb3 has it is UTF-8.
const utf8mb3 = { write: (/** @type {Buffer} */ bytes) => bytes.toString('utf8'), end: () => undefined };
module.exports = {
  decode: (/** @type {Parameters<Iconv['decode']>} */ ...args) => iconv().decode(...args),
  getDecoder: (/** @type {Parameters<Iconv['getDecoder']>} */ ...args) =>
    args[0] === 'cesu8' ? utf8mb3 : iconv().getDecoder(...args),
  getEncoder: (/** @type {Parameters<Iconv['getEncoder']>} */ ...args) => iconv().getEncoder(...args),
};
