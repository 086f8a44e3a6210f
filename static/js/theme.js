// @ts-check
// Sets the theme before anything is drawn, and tells the browser the colour of
// the paper, for what it draws around the page. The only script that is not a
// module.
(() => {
  const root = document.documentElement;
  const theme = localStorage.getItem('theme');
  if (theme === 'dark' || theme === 'light') root.dataset.theme = theme;
  const metas = /** @type {HTMLMetaElement[]} */ ([...document.querySelectorAll('meta[name=theme-color]')]);
  const colours = metas.map((meta) => meta.content);
  const tell = () => {
    const chosen = ['light', 'dark'].indexOf(root.dataset.theme ?? '');
    metas.forEach((meta, n) => { meta.content = colours[chosen < 0 ? n : chosen] ?? ''; });
  };
  new MutationObserver(tell).observe(root, { attributeFilter: ['data-theme'] });
  tell();
})();
