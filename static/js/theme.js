// @ts-check
// Sets the theme before anything is drawn. The only script that is not a module.
(() => {
  const theme = localStorage.getItem('theme');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
})();
