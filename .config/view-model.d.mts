/** What the templates are given, as templates/VIEW.md has it. */
export function viewModel(): string;
