"""How training data is read, judged, counted and remembered; `pulumi_openai_ft.training_data` is what is used of it."""
