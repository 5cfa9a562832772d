/** Modules that .config/generated.mjs makes. */
declare module '*.wasm' {
  const code: Uint8Array<ArrayBuffer>;
  export default code;
}

declare module 'decoder:*' {
  const code: Uint8Array<ArrayBuffer>;
  export default code;
}

declare module 'templates:*' {
  const templates: Readonly<Record<string, TemplateSpecification>>;
  export default templates;
}

declare module 'services:names' {
  const names: string;
  export default names;
}

/** The part of the JavaScript API that is needed here (https://webassembly.github.io/spec/js-api/); TypeScript has it with the DOM only. */
declare namespace WebAssembly {
  class Module {
    constructor(code: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, (() => void) | Memory>>);
    readonly exports: unknown;
  }
  class Memory {
    constructor(pages: { initial: number });
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    readonly value: number;
  }
}
