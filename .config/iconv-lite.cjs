// Stands for iconv-lite in the bundle: half a megabyte of tables, for which most connections would wait in vain. The package
// itself is a file of its own, loaded when something is asked of it.
let loaded;
const iconv = () => {
  loaded ??= require('./iconv-lite.cjs');
  return loaded;
};
// mysql2's word for utf8mb3, in which the server says its version and the names of columns. Within the characters that
// utf8mb3 has it is UTF-8.
const utf8mb3 = { write: bytes => bytes.toString('utf8'), end: () => undefined };
module.exports = {
  decode: (...args) => iconv().decode(...args),
  getDecoder: (name, ...args) => (name === 'cesu8' ? utf8mb3 : iconv().getDecoder(name, ...args)),
  getEncoder: (...args) => iconv().getEncoder(...args),
};
