// The form_post page: send its one form at once. Without script there is its button.
document.forms[0].submit();
