// What the bundler makes of imports that are not TypeScript.

declare module "*.svg" {
  const text: string;
  export default text;
}

declare module "*.css" {
  const text: string; // when imported `with { type: "text" }`; otherwise it goes into the style sheet beside the script
  export default text;
}

declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export default function SwaggerUI(options: object): unknown;
}
