// Filters of the rows; without a script the whole table stands there.
(() => {
  const place = document.getElementById("rows");
  const rows = [...place.querySelectorAll("tbody tr")];
  const cells = (row) => [...row.children].map((cell) => cell.textContent.trim());
  const form = document.createElement("form");
  form.className = "filters";
  const told = document.createElement("output");
  const chosen = new Map();
  const show = () => {
    let count = 0;
    for (const row of rows) {
      const text = cells(row);
      row.hidden = ![...chosen].every(([column, holds]) => holds(column < 0 ? text.join(" ") : text[column]));
      count += !row.hidden;
    }
    told.textContent = `${count} of ${rows.length} rows`;
  };
  const add = (label, field, column, test) => {
    const named = document.createElement("label");
    named.append(label, field);
    form.append(named);
    field.addEventListener("input", () => {
      field.value ? chosen.set(column, test(field.value)) : chosen.delete(column);
      show();
    });
  };
  for (const [label, column] of [["Table", 1], ["Rule", 2], ["Run", 4]]) {
    const field = document.createElement("select");
    const values = new Set(rows.flatMap((row) => cells(row)[column].split(", ")));
    field.append(new Option("all", ""), ...[...values].sort().map((value) => new Option(value, value)));
    add(label, field, column, (wanted) => (text) => text.split(", ").includes(wanted));
  }
  const search = document.createElement("input");
  search.type = "search";
  add("Any text", search, -1, (wanted) => (text) => text.toLowerCase().includes(wanted.toLowerCase()));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.append(told);
  place.querySelector(".note").after(form);
  show();
})();
