/** Lint of the web page: the recommended rules, in what a browser knows. */

import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import globals from "globals";

export default defineConfig([
  {
    files: ["chromseg/serving/page/**/*.js"],
    extends: [js.configs.recommended],
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { "no-unused-vars": ["error", { ignoreRestSiblings: true }] }, // { left, ...rest } is how a field is left out
  },
]);
