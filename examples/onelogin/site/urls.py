from django.contrib.auth import views as auth
from django.urls import path

import views

urlpatterns = [
    path("", views.whoami, name="whoami"),
    path("setsession", views.setsession, name="setsession"),
    path("getsession", views.getsession, name="getsession"),
    path("cart", views.cart, name="cart"),
    path("account", views.account, name="account"),
    path("accounts/login/", auth.LoginView.as_view(template_name="login.html"), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path(
        "accounts/password_change/",
        auth.PasswordChangeView.as_view(template_name="password.html", success_url="/account"),
        name="password_change",
    ),
]
