// The choices above the table: suite, board, slice, which methods.

function drawChoices(leaderboard, shown, choose) {
  const suites = leaderboard.suites.map((suite) => ({ value: suite.name, title: suite.title, help: suite.description }));
  const boards = shown.suite.boards.map((board) => ({ value: boardKey(board), title: board.title }));
  const slices = shown.suite.slices.map((slice) => ({ value: slice.key, title: slice.title, help: slice.help }));
  fill("suites", segmented("suite", "Suite", suites, shown.suite.name, (value) => choose({ suite: value })));
  fill("suite-description", `${shown.suite.description} ${shown.suite.progress ?? ""}`.trim());
  fill("boards", chooser("board", "Data and split", boards, boardKey(shown.board), (value) => choose({ board: value })));
  fill("board-facts", factList(shown.board.facts));
  fill("slices", slices.length < 2 ? null : sliceChoice(slices, shown, choose));
  fill("roles", roleChecks(shown, choose));
}

function sliceChoice(slices, shown, choose) {
  return [
    segmented("slice", "Part of the data", slices, shown.slice.key, (value) => choose({ slice: value })),
    element("p", { class: "note" }, shown.slice.help ?? ""),
  ];
}

function roleChecks(shown, choose) {
  const present = ROLES.filter((role) => shown.methods.some((method) => method.role === role));
  const toggled = (role) => ROLES.filter((one) => shown.hidden.includes(one) !== (one === role)).join(" ");
  const labels = present.map((role) =>
    element(
      "label",
      {},
      element("input", {
        type: "checkbox",
        id: `role-${role}`,
        checked: !shown.hidden.includes(role),
        change: () => choose({ hide: toggled(role) }),
      }),
      ROLE_WORDS[role],
    ),
  );
  return element("fieldset", {}, element("legend", {}, "Kinds"), element("div", { class: "checks" }, labels));
}

function columnOptions(shown) {
  return shown.columns.map((column) => ({ value: column.key, title: column.title }));
}

function methodOptions(methods) {
  return methods.map((method) => ({ value: method.name, title: method.title }));
}
