from pulumi_openai_ft.policies import pack

pack()
