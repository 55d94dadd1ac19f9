// Plots by keyboard: + and - zoom, the arrows move, 0 shows all again.
(() => {
  const range = (place) => {
    const models = Bokeh.documents.map((each) => each.get_model_by_id(place.dataset.range));
    return models.find((model) => model != null);
  };
  const moved = (key, start, end, first, last) => {
    const length = end - start, middle = (start + end) / 2;
    switch (key) {
      case "+": case "=": return [middle - length / 4, middle + length / 4];
      case "-": return [middle - length, middle + length];
      case "ArrowLeft": return [start - length / 5, end - length / 5];
      case "ArrowRight": return [start + length / 5, end + length / 5];
      case "0": return [first, last];
    }
  };
  document.addEventListener("keydown", (event) => {
    const place = event.target.closest?.("[data-range]");
    if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
    const model = range(place);
    if (!model) return;
    const [first, last] = model.bounds;
    const ends = moved(event.key, model.start, model.end, first, last);
    if (!ends) return;
    event.preventDefault();
    const length = Math.min(ends[1] - ends[0], last - first);
    const start = Math.min(Math.max(ends[0], first), last - length); // within the bounds, no shorter for it
    model.setv({start, end: start + length});
  });
})();
