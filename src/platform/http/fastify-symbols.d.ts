/** What Fastify's types leave out, and Nest's adapter uses too. */
declare module 'fastify/lib/symbols.js' {
  const symbols: { readonly kServerBindings: symbol };
  export default symbols;
}
