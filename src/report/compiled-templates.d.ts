/** Compiled when they are imported: .config/templates.mjs. */
declare module 'templates:*' {
  const templates: Readonly<Record<string, TemplateSpecification>>;
  export default templates;
}
