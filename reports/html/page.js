"use strict";
(function () {
	const root = document.documentElement;
	const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));

	/* Light or dark: what the system says, until the reader says otherwise. */
	const theme = document.getElementById("theme");
	const system = matchMedia("(prefers-color-scheme: dark)");
	const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
	const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; };

	theme.addEventListener("click", () => {
		root.dataset.theme = isDark() ? "light" : "dark";
		label();
	});
	system.addEventListener("change", label);
	theme.hidden = false;
	label();

	/* Sorting: by data-v where a cell has one, by its text otherwise; what is not known goes last. */
	const collator = new Intl.Collator("en", { numeric: true });

	function key(row, column) {
		const cell = row.cells[column];
		const value = cell.dataset.v;

		return value === undefined ? cell.textContent.replace("\u2605", "") : Number(value);
	}

	function compare(a, b) {
		const x = a[0], y = b[0];

		if (typeof x === "number" && typeof y === "number")
			return x - y;
		if (typeof x !== typeof y)
			return typeof x === "number" ? -1 : 1;
		return collator.compare(x, y);
	}

	function sort(table, header) {
		const column = header.cellIndex;
		const before = header.getAttribute("aria-sort");
		const first = header.dataset.first || "ascending";
		const next = !before ? first : before === "ascending" ? "descending" : "ascending";
		const body = table.tBodies[0];
		const rows = Array.from(body.rows, (row) => [key(row, column), row]);
		const unknown = ([k]) => k === "" || k === "\u2013";
		const known = rows.filter((r) => !unknown(r)).sort(compare);

		if (next === "descending")
			known.reverse();
		all("th[aria-sort]", table).forEach((th) => th.removeAttribute("aria-sort"));
		header.setAttribute("aria-sort", next);
		body.append(...known.concat(rows.filter(unknown)).map((r) => r[1]));
		update(table);
	}

	const tables = all("table.results");

	tables.forEach((table) => {
		table.tHead.addEventListener("click", (event) => {
			const header = event.target.closest("th");

			if (header)
				sort(table, header);
		});
	});

	/*
	 * What is visible: rows that match the filter, the first LIMIT of them until the reader asks
	 * for all. Laying out ten thousand rows takes seconds.
	 */
	const LIMIT = 500;
	let matching = () => true;

	function update(table) {
		const limit = table.dataset.all ? Infinity : LIMIT;
		let n = 0;

		Array.from(table.tBodies[0].rows).forEach((row) => {
			const match = matching(row);

			n += match;
			if (row.hidden === (match && n <= limit))
				row.hidden = !row.hidden;
		});
		const button = table.parentElement.nextElementSibling;

		button.hidden = n <= limit;
		button.textContent = "Show all " + n + " rows (" + LIMIT + " are shown)";
		return n;
	}

	/* Filtering: every word must occur in the row; name=value looks into the column of that name. */
	const filter = document.getElementById("filter");
	const shown = document.getElementById("shown");
	const main = tables.filter((table) => !table.classList.contains("aside"));
	const items = new Map(main.flatMap((table) => {
		const names = Array.from(table.tHead.rows[0].cells, (th) => th.textContent.toLowerCase());
		const what = table.closest("section").querySelector("h2").id.slice(2).toLowerCase();

		return Array.from(table.tBodies[0].rows, (row) => [row, { row, names, what, text: null }]);
	}));

	/* Tables aside show the same cells once more: their rows follow those of the results. */
	const count = items.size;
	const cells = new Map(Array.from(items.keys(), (row) => [row.dataset.cell, items.get(row)]));

	tables.filter((table) => !main.includes(table)).forEach((table) =>
		Array.from(table.tBodies[0].rows, (row) => items.set(row, cells.get(row.dataset.cell))));

	function texts(item) {
		if (!item.text)
			item.text = Array.from(item.row.cells, (c) =>
				c.textContent.replace("\u2605", "").trim().toLowerCase());
		return item.text;
	}

	function matches(item, word) {
		const at = word.indexOf("=");
		const column = at > 0 ? item.names.indexOf(word.slice(0, at)) : -1;

		if (column >= 0)
			return texts(item)[column] === word.slice(at + 1);
		return item.what.includes(word) || texts(item).some((text) => text.includes(word));
	}

	function applyFilter() {
		const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);

		matching = (row) => words.every((word) => matches(items.get(row), word));
		tables.forEach(update);
		const n = Array.from(cells.values()).filter((item) => matching(item.row)).length;

		shown.textContent = words.length ? n + " of " + count + " rows" : "";
	}

	let pending = 0;

	filter.addEventListener("input", () => {
		clearTimeout(pending);
		pending = setTimeout(applyFilter, count > 1000 ? 200 : 0);
	});
	filter.parentElement.hidden = count < 2;

	tables.forEach((table) => {
		table.parentElement.nextElementSibling.addEventListener("click", () => {
			table.dataset.all = "yes";
			update(table);
		});
		update(table);
	});

	/* Columns that most readers do not need. */
	all(".tools").forEach((tools) => {
		const table = tools.parentElement.querySelector("table.results");
		const button = tools.firstElementChild;

		tools.hidden = !table.querySelector("th.more");
		button.addEventListener("click", () => {
			const on = table.classList.toggle("all");

			button.setAttribute("aria-pressed", on);
			button.textContent = on ? "Fewer columns" : "More columns";
		});
	});

	/* A link to a folded cell unfolds it. */
	function unfold() {
		const target = location.hash && document.getElementById(location.hash.slice(1));

		if (target && target.tagName === "DETAILS") {
			target.open = true;
			target.scrollIntoView();
		}
	}

	addEventListener("hashchange", unfold);
	unfold();
})();
