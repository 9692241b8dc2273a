// Stands for a module of a dependency that nobody needs.
module.exports = {};
